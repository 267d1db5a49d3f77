/** Describes what surrounds the process: its environment variables and the boot of the machine. */

/** Variables by name. */
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

/**
 * Whether a supervisor starts the process again: systemd, whose main process it is, Kubernetes, or
 * another one that says so by `BARNACLE_SUPERVISED=1`. A variable of systemd's alone is no sign,
 * because desktops pass it on to terminals.
 */
export function isSupervised(env: Env, pid: number): boolean {
  return env["SYSTEMD_EXEC_PID"] === String(pid) || Boolean(env["KUBERNETES_SERVICE_HOST"]) ||
    env["BARNACLE_SUPERVISED"] === "1";
}
