/**
 * The kernel's name for the time since it started.
 *
 * @module
 */

/**
 * Whether two boot ids name one boot. The kernel writes them with dashes, systemd without.
 *
 * @returns `undefined` where one of them is not known.
 */
export function isSameBoot(
  one: string | undefined,
  other: string | undefined,
): boolean | undefined {
  if (one === undefined || other === undefined) return undefined;
  return bare(one) === bare(other);
}

function bare(bootId: string): string {
  return bootId.replaceAll("-", "").toLowerCase();
}
