#include "record/socket_address.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A copy as long as any: what was not there is 0. */
union address {
	unsigned short family;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_nl nl;
	struct sockaddr_ll ll;
	struct sockaddr_vm vm;
	struct sockaddr_storage storage;
};

static void put_in(const union address *a, char *to, size_t size)
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
	snprintf(to, size, "AF_INET %s:%u", host, ntohs(a->in.sin_port));
}

static void put_in6(const union address *a, char *to, size_t size)
{
	char host[INET6_ADDRSTRLEN], scope[16] = "";

	inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
	if (a->in6.sin6_scope_id)
		snprintf(scope, sizeof(scope), "%%%u", a->in6.sin6_scope_id);
	snprintf(to, size, "AF_INET6 [%s%s]:%u", host, scope, ntohs(a->in6.sin6_port));
}

/* A path ends with a 0, or where the address ends; what begins with a 0 is a name with any bytes. */
static void put_un(const union address *a, size_t n, char *to, size_t size)
{
	const char *path = a->un.sun_path;
	size_t at = offsetof(struct sockaddr_un, sun_path), len = n > at ? n - at : 0;
	char name[sizeof(a->un.sun_path)];

	if (len > sizeof(name))
		len = sizeof(name);
	if (len && path[0])
		len = strnlen(path, len);
	for (size_t i = 0; i < len; i++)
		name[i] = path[i] ? path[i] : '@';
	snprintf(to, size, "AF_UNIX%s%.*s", len ? " " : "", (int)len, name);
}

size_t socket_address_text(const void *address, size_t n, char *to)
{
	union address a = { 0 };

	to[0] = '\0';
	if (n < sizeof(a.family))
		return 0;
	n = n < sizeof(a) ? n : sizeof(a);
	memcpy(&a, address, n);
	if (a.family == AF_INET && n >= offsetof(struct sockaddr_in, sin_zero))
		put_in(&a, to, SOCKET_ADDRESS_TEXT);
	else if (a.family == AF_INET6 && n >= offsetof(struct sockaddr_in6, sin6_scope_id))
		put_in6(&a, to, SOCKET_ADDRESS_TEXT);
	else if (a.family == AF_UNIX)
		put_un(&a, n, to, SOCKET_ADDRESS_TEXT);
	else if (a.family == AF_NETLINK && n >= sizeof(a.nl))
		snprintf(to, SOCKET_ADDRESS_TEXT, "AF_NETLINK port %u groups 0x%x", a.nl.nl_pid,
			a.nl.nl_groups);
	else if (a.family == AF_PACKET && n >= offsetof(struct sockaddr_ll, sll_addr))
		snprintf(to, SOCKET_ADDRESS_TEXT, "AF_PACKET interface %d protocol 0x%x",
			a.ll.sll_ifindex, ntohs(a.ll.sll_protocol));
	else if (a.family == AF_VSOCK && n >= sizeof(a.vm))
		snprintf(to, SOCKET_ADDRESS_TEXT, "AF_VSOCK %u:%u", a.vm.svm_cid, a.vm.svm_port);
	else if (a.family == AF_UNSPEC)
		snprintf(to, SOCKET_ADDRESS_TEXT, "AF_UNSPEC");
	else
		snprintf(to, SOCKET_ADDRESS_TEXT, "family %u", a.family);
	return strlen(to);
}
