/* A socket address that a program handed to the kernel, or was told by it, as text. */
#ifndef RECORD_SOCKET_ADDRESS_H
#define RECORD_SOCKET_ADDRESS_H

#include <stddef.h>

enum { SOCKET_ADDRESS_TEXT = 192 };

/* "AF_INET 127.0.0.1:80", "AF_INET6 [::1]:80", "AF_UNIX /run/x" ("AF_UNIX @x" if it is abstract), or as much as
 * the n bytes of the struct sockaddr say: at least a family. `to` has SOCKET_ADDRESS_TEXT bytes; returns its length,
 * 0 if there is not even that. */
size_t socket_address_text(const void *address, size_t n, char *to);

#endif
