/* ROS asks a message for its type support by implementation. The generated dispatcher looks for each
   in a shared library of its own; here both are linked into this module. */
#include <string.h>

#include "rosidl_runtime_c/message_type_support_struct.h"
#include "rosidl_typesupport_interface/macros.h"

#define TYPE_SUPPORT(implementation) \
  ROSIDL_TYPESUPPORT_INTERFACE__MESSAGE_SYMBOL_NAME(implementation, tf2_msgs, msg, TFMessage)

const rosidl_message_type_support_t * TYPE_SUPPORT(rosidl_typesupport_fastrtps_c)(void);
const rosidl_message_type_support_t * TYPE_SUPPORT(rosidl_typesupport_introspection_c)(void);

static const rosidl_message_type_support_t * find(
  const rosidl_message_type_support_t * handle, const char * identifier)
{
  const rosidl_message_type_support_t * known[] = {
    TYPE_SUPPORT(rosidl_typesupport_fastrtps_c)(),
    TYPE_SUPPORT(rosidl_typesupport_introspection_c)(),
  };
  (void)handle;
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
    if (strcmp(identifier, known[i]->typesupport_identifier) == 0) {
      return known[i];
    }
  }
  return NULL;
}

const rosidl_message_type_support_t * TYPE_SUPPORT(rosidl_typesupport_c)(void)
{
  static rosidl_message_type_support_t any;
  any = *TYPE_SUPPORT(rosidl_typesupport_fastrtps_c)();
  any.func = find;
  return &any;
}
