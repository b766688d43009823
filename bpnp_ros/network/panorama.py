"""Which place, which way round: a layer that is equivariant to yaw by construction.

For each place the layer learns a panorama, a function on the sphere of how much a keypoint there
speaks for the place, as Fourier series in azimuth on bands of elevation. A frame is summed up once
by the same series. Turning the camera shifts the phases and nothing else, so one product and one
inverse Fourier transform score every place at every yaw.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_KEYPOINTS = 20.0  # brings sums over a frame to the order of one
_INDIFFERENT = 1e-4  # before it has learned anything, the layer holds all views equally likely


class Panorama(nn.Module):
    """Scores of A places at `yaws` headings. Bands of elevation fill +-`elevation` rad."""

    def __init__(
        self, places: int, harmonics: int, bands: int, yaws: int, elevation: float
    ) -> None:
        super().__init__()
        self.bands, self.yaws, self.elevation = bands, yaws, elevation
        # the last row is for the number of keypoints: how much a place shows in a direction
        shape = (harmonics + 1, bands + 1, places)
        self.cosine = nn.Parameter(_INDIFFERENT * torch.randn(shape))
        self.sine = nn.Parameter(_INDIFFERENT * torch.randn(shape))

    @property
    def order(self) -> Tensor:
        return torch.arange(len(self.cosine), device=self.cosine.device)

    def forward(self, bearing: Tensor, mask: Tensor, places: Tensor | None = None) -> Tensor:
        """Scores (yaws, B, A) of all places, or of some.

        bearing: (B, M, 3) in the frame of a level camera. mask: (B, M). places: (A,) rows.
        """
        some = slice(None) if places is None else places
        cosine, sine = self.cosine[..., some], self.sine[..., some]
        in_phase, quadrature = (part.transpose(0, 1) for part in self.signature(bearing, mask))
        # real parts of all frames, then imaginary parts: (H, 2 B, A)
        series = torch.cat([in_phase, quadrature], dim=1) @ cosine
        series = series.baddbmm(torch.cat([-quadrature, in_phase], dim=1), sine)
        phase = self.heading(torch.arange(self.yaws, device=mask.device))[:, None] * self.order
        waves = torch.stack([phase.cos(), -phase.sin()], dim=2)
        waves = waves * torch.where(self.order == 0, 1.0, 2.0)[:, None]
        score = waves.flatten(1) @ series.view(2 * len(self.order), -1)
        return score.view(self.yaws, len(bearing), -1)

    def heading(self, index: Tensor) -> Tensor:
        """Yaw in rad of rows of the scores."""
        return index * (2 * torch.pi / self.yaws)

    def nearest_heading(self, yaw: Tensor) -> Tensor:
        """The row of the scores that is nearest to a yaw in rad."""
        return (yaw * (self.yaws / (2 * torch.pi))).round().long() % self.yaws

    def signature(self, bearing: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Sums over the frame of cos and sin(k azimuth) in each band: twice (B, H, K + 1).

        The last column of the first is the number of keypoints.
        """
        azimuth, band = self.azimuth_and_band(bearing)
        distance = band[..., None] - torch.arange(self.bands, device=band.device)
        share = (1 - distance.abs()).clamp_min(0) * mask[..., None]
        phase = azimuth[..., None] * self.order
        cosine, sine = (part.transpose(1, 2) @ share for part in (phase.cos(), phase.sin()))
        count = mask.sum(dim=1)[:, None, None].expand(-1, len(self.order), 1)
        in_phase = torch.cat([cosine, count], dim=2)
        return in_phase / _KEYPOINTS, torch.nn.functional.pad(sine, (0, 1)) / _KEYPOINTS

    def azimuth_and_band(self, bearing: Tensor) -> tuple[Tensor, Tensor]:
        """Azimuth in rad and elevation in bands, 0 to bands - 1, of bearings (..., 3)."""
        elevation = torch.asin(bearing[..., 2].clamp(-1, 1))
        band = (elevation / self.elevation + 1) / 2 * (self.bands - 1)
        return torch.atan2(bearing[..., 1], bearing[..., 0]), band.clamp(0, self.bands - 1)

    @torch.no_grad()
    def set_log_odds(self, log_odds: Tensor, places: Tensor | None = None) -> None:
        """Start from panoramas: what a keypoint at (place, yaw, band) (A, yaws, K) speaks for.

        places: (A,) rows that they are of, by default all.
        """
        rows = slice(None) if places is None else places
        series = torch.fft.rfft(log_odds, dim=1, norm="forward")[:, : len(self.cosine)]
        series = _KEYPOINTS * series.permute(1, 2, 0)
        self.cosine[..., rows], self.sine[..., rows] = 0, 0
        self.cosine[:, : self.bands, rows] = series.real
        self.sine[:, : self.bands, rows] = series.imag
