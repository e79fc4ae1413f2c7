/** Text that somebody else chose, safe to show: in quotes, with control characters escaped. */
export const quote = (text: string): string =>
  JSON.stringify(text).replace(
    /[\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Names of the kernel, which need no quotes. */
export const list = (names: readonly string[]): string => names.join(', ');
