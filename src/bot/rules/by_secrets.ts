/**
 * Keeps an object that depends on the program's secrets up to date with them.
 *
 * A reload may bring another token or key. From then on each running account must redact it, even
 * an account without changes of its own: its model may be asked for the secret too.
 *
 * @module
 */

/**
 * Returns a getter of the object.
 *
 * @param secrets Returns all current secrets; secrets are only ever added.
 * @param make Creates the object from the secrets; called again when there are more.
 */
export function createBySecrets<Result>(
  secrets: () => readonly string[],
  make: (secrets: readonly string[]) => (text: string) => Result,
): (text: string) => Result {
  let known = secrets();
  let current = make(known);
  return (text) => {
    const all = secrets();
    if (all.length > known.length) {
      known = all;
      current = make(all);
    }
    return current(text);
  };
}
