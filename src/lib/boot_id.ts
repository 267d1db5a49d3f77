/**
 * The kernel's id of the current boot: another one means that the machine was restarted.
 *
 * @module
 */

/**
 * Whether two boot ids name one boot. The kernel writes them with dashes, systemd without.
 *
 * @returns `undefined` if one of them is unknown.
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
