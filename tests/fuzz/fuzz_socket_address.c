/* A socket address as a program had it in its memory. The text must be bounded, and its length true. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record/socket_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[SOCKET_ADDRESS_TEXT];

	if (socket_address_text(data, size, text) != strlen(text))
		abort();
	return 0;
}
