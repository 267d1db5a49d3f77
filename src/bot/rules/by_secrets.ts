/**
 * What knows the program's secrets, kept up with them.
 *
 * A config that is read again may bring another token or key. Each account that runs must know it
 * from then on, also one of which nothing else has changed: its model may be asked for it, too.
 *
 * @module
 */

/**
 * @param secrets All there are, as of now; none is ever taken away.
 * @param make Makes what knows some secrets; called anew where there are more.
 */
export function bySecrets<Result>(
  secrets: () => readonly string[],
  make: (secrets: readonly string[]) => (text: string) => Result,
): (text: string) => Result {
  let known = secrets();
  let made = make(known);
  return (text) => {
    const all = secrets();
    if (all.length > known.length) {
      known = all;
      made = make(all);
    }
    return made(text);
  };
}
