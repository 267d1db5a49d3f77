/**
 * The environment of commands: a few variables, none of Barnacle's own (SEC-R22).
 *
 * @module
 */

/** Where commands find programs. */
export const EXEC_PATH = "/usr/local/bin:/usr/bin:/bin";

/** The whole environment of a command. */
export function environmentFor(workspace: string): Readonly<Record<string, string>> {
  return { PATH: EXEC_PATH, HOME: workspace, LANG: "C.UTF-8", TMPDIR: "/tmp", TERM: "dumb" };
}
