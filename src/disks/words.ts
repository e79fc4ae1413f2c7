/** Control characters, and those that turn the direction of writing. */
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** Text from devices and programs, safe for a terminal. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, '?');

/** Text that somebody chose, in quotes, with what is unprintable escaped. */
export const quote = (text: string): string =>
  JSON.stringify(text).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Names of the kernel, which need no quotes. */
export const list = (names: readonly string[]): string => names.join(', ');
