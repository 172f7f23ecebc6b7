// SPDX-License-Identifier: GPL-2.0-only
// Prints the version of the library that really loads, and the headers' version beside it.
#include <stdio.h>
#include <unicorn/unicorn.h>

int main(void) {
    const unsigned found = uc_version(NULL, NULL);
    printf("%u.%u.%u %d.%d.%d", found >> 24, found >> 16 & 0xff, found >> 8 & 0xff, UC_API_MAJOR,
           UC_API_MINOR, UC_API_PATCH);
    return 0;
}
