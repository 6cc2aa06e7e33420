// SPDX-License-Identifier: Apache-2.0
// Byte strings: names of files as the kernel and archives have them, any bytes but NUL, not necessarily UTF-8. Each
// character of a ByteString stands for one byte (0 to 255), so comparing, slicing and joining work as on bytes and
// nothing is ever lost. People and JSON get text through byteStringToText.

/** One character a byte. */
export type ByteString = string;

/** The UTF-8 bytes of a text. */
export function textToByteString(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** For people: decoded as UTF-8, with the replacement character for what is not. */
export function byteStringToText(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Quoted for a message, with control characters escaped. */
export function quoteByteString(bytes: ByteString): string {
  const text = byteStringToText(bytes);
  return JSON.stringify(text.length > 256 ? `${text.slice(0, 256)}…` : text);
}
