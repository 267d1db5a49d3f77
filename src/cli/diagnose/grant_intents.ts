/**
 * Switches on the intents that a bot lacks, where Discord lets a bot do that by
 * itself, and a person says yes.
 *
 * @module
 */

import { flagsGranting, type PrivilegedIntent } from "../../discord/gateway/read/intents.ts";
import type { Application, Applications } from "../../discord/rest/calls/application.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";

export interface GrantPorts {
  /** Tells the person what is going on. */
  readonly say: (line: string) => void;
  /** Asks the person; absent where there is none. */
  readonly confirm?: (question: string) => Promise<boolean>;
}

/** @returns Whether Discord has changed anything. */
export async function grantIntents(
  missing: readonly PrivilegedIntent[],
  { name, flags }: Application,
  applications: Pick<Applications, "setFlags">,
  { say, confirm }: GrantPorts,
): Promise<boolean> {
  const what = `switch on ${missing.join(" and ")} for ${name}`;
  if (!confirm) {
    say(`barnacle: nothing is changed: to ${what}, add --yes, or run this on a terminal`);
    return false;
  }
  if (!await confirm(`Shall I ${what} in Discord's developer portal?`)) {
    say("Nothing is changed.");
    return false;
  }
  try {
    await applications.setFlags(flagsGranting(missing, flags));
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    say(`barnacle: Discord did not do it: ${error.message}`);
    return false;
  }
  say(`Done: asked Discord to ${what}. A bot that runs must be restarted to use it.`);
  return true;
}
