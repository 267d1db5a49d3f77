/** Describes what surrounds the process: its environment variables and the boot of the machine. */

export type Env = Readonly<Record<string, string | undefined>>;

/** A path of the config. A leading `~` stands for the home folder. */
export function withHome(path: string, home = ""): string {
  return path.replace(/^~(?=$|[\\/])/, () => home || "~");
}

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
