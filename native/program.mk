# SPDX-License-Identifier: Apache-2.0
# How each of these programs is built: static, small, and replaced as a whole. PROGRAM and SOURCE name it.

OUT ?= ../../build/native
CC ?= gcc
CFLAGS ?= -std=c11 -Os -Wall -Wextra -Werror -ffunction-sections -fdata-sections
LDFLAGS ?= -static -s -Wl,--gc-sections

$(OUT)/$(PROGRAM): $(SOURCE) Makefile ../program.mk
	mkdir -p $(OUT)
	$(CC) $(CFLAGS) -o $@.tmp $(SOURCE) $(LDFLAGS)
	mv $@.tmp $@

.PHONY: clean
clean:
	rm -f $(OUT)/$(PROGRAM)
