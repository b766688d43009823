"""The paper's network: trained, tested and shipped."""
