/** The changes that the page Today offers: `barnacle approvals` and `barnacle pairing`. */

import { quoted } from "../../../lib/text/quoted.ts";
import { decideRequest, pairingsOf } from "../../access/pairing.ts";
import { decideByCode, type OperatorChoice } from "../../agent/approvals.ts";
import { EXIT } from "../../../cli/shared/exit_code.ts";
import { accountsIn } from "../../../cli/shared/with_store.ts";
import type { Served } from "../../../cli/run/served_parts.ts";

/** A change that a page offers: the same call that a command of the CLI makes. */
export interface DashboardChange {
  /** Name in requests: `"pairing.approve"`. */
  readonly name: string;
  readonly label: string;
  /** The command that does the same, shown beside the button. */
  command(code: string): string;
  /**
   * Does it.
   *
   * @returns One sentence: `"Approved ada"`.
   * @throws {RefusedChange} With the reason in words, if it cannot be done.
   */
  run(served: Served, code: string): Promise<string>;
}

/** A change that cannot be done; the message is for the person on the page. */
export class RefusedChange extends Error {
  override readonly name = "RefusedChange";
}

function decideApproval(choice: OperatorChoice, label: string, words: string): DashboardChange {
  return {
    name: `approvals.${choice}`,
    label,
    command: (code) => `barnacle approvals ${words} ${code}`,
    async run({ store }, code) {
      const outcome = await decideByCode(choice, code, store.questions);
      if ("problem" in outcome) throw new RefusedChange(outcome.problem);
      return outcome.text;
    },
  };
}

/** Allows one call. */
export const allowOnce: DashboardChange = decideApproval("once", "Allow once", "approve");
/** Allows a call, and later ones like it. */
export const allowAlways: DashboardChange = decideApproval(
  "always",
  "Allow for good",
  "approve --always",
);
/** Denies a call. */
export const denyCall: DashboardChange = decideApproval("deny", "Deny", "deny");

function decidePairing(how: "approve" | "deny", label: string): DashboardChange {
  return {
    name: `pairing.${how}`,
    label,
    command: (code) => `barnacle pairing ${how} ${code}`,
    async run({ store, setup }, code) {
      const accounts = await accountsIn(store.gateway, undefined);
      const { pending } = await pairingsOf(accounts, store.pairing, Date.now());
      // A page that is a moment old must not count as a person who guesses codes.
      if (!pending.some((request) => request.code === code)) {
        throw new RefusedChange(`${quoted(code)} is unknown, decided or expired`);
      }
      const decided = await decideRequest(how, code, accounts, { store, config: setup.config });
      if (decided.code !== EXIT.done) throw new RefusedChange(decided.text);
      const { text, warning } = decided;
      return warning === undefined ? text : `${text}. Warning: ${warning}`;
    },
  };
}

/** Lets a person in. */
export const approvePairing: DashboardChange = decidePairing("approve", "Approve");
/** Refuses a person. */
export const denyPairing: DashboardChange = decidePairing("deny", "Deny");

export const CHANGES: readonly DashboardChange[] = [
  allowOnce,
  allowAlways,
  denyCall,
  approvePairing,
  denyPairing,
];
