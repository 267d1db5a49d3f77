/**
 * Enables missing intents through Discord's API, once the user agrees.
 *
 * @module
 */

import { flagsGranting, type PrivilegedIntent } from "../../discord/gateway/read/intents.ts";
import type { Application, Applications } from "../../discord/rest/calls/application.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";

/** The user at the terminal. */
export interface GrantPorts {
  /** Prints a note. */
  readonly err: (line: string) => void;
  /** Prints an error. */
  readonly problem: (message: string) => void;
  /** Asks the user; absent without a terminal. */
  readonly confirm?: (question: string) => Promise<boolean>;
}

/**
 * Asks the user, then asks Discord to enable the missing intents.
 *
 * @returns Whether Discord has enabled them.
 */
export async function grantIntents(
  missing: readonly PrivilegedIntent[],
  { name, flags }: Application,
  applications: Pick<Applications, "setFlags">,
  { err, problem, confirm }: GrantPorts,
): Promise<boolean> {
  const what = `enable ${missing.join(" and ")} for ${name}`;
  if (!confirm) {
    problem(`nothing changed: to ${what}, add --yes, or run this on a terminal`);
    return false;
  }
  if (!await confirm(`May I ${what} in Discord's developer portal?`)) {
    err("Nothing changed.");
    return false;
  }
  try {
    await applications.setFlags(flagsGranting(missing, flags));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    problem(`Discord refused: ${error.message}`);
    return false;
  }
  err(`Done: asked Discord to ${what}. Restart a running bot to use it.`);
  return true;
}
