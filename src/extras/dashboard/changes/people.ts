/** The changes of the pages Today and People: `barnacle approvals` and `barnacle pairing`. */

import { z } from "zod";
import { quoted } from "../../../lib/text/quoted.ts";
import { decideRequest, pairingsOf } from "../../access/exports.ts";
import { decideQuestion, type OperatorChoice } from "../../agent/exports.ts";
import { EXIT } from "../../../cli/shared/exit_code.ts";
import { accountsIn } from "../../../cli/shared/which_account.ts";
import { type AnyChange, change, RefusedChange } from "../base/page.ts";

const codeField = z.strictObject({ code: z.string().trim().min(1).max(40) });

function decideApproval(choice: OperatorChoice, label: string, words: string): AnyChange {
  return change({
    name: `approvals.${choice}`,
    label,
    fields: codeField,
    command: ({ code }) => `barnacle approvals ${words} ${code}`,
    async run({ store }, { code }) {
      const outcome = await decideQuestion(choice, code, store.questions);
      if ("problem" in outcome) throw new RefusedChange(outcome.problem);
      return { text: outcome.text };
    },
  });
}

/** Allows one call. */
export const allowOnce: AnyChange = decideApproval("once", "Allow once", "approve");
/** Allows a call, and later ones like it. */
export const allowAlways: AnyChange = decideApproval(
  "always",
  "Allow for good",
  "approve --always",
);
/** Denies a call. */
export const denyCall: AnyChange = decideApproval("deny", "Deny", "deny");

function decidePairing(how: "approve" | "deny", label: string): AnyChange {
  return change({
    name: `pairing.${how}`,
    label,
    fields: codeField,
    command: ({ code }) => `barnacle pairing ${how} ${code}`,
    async run({ store, setup, now }, { code }) {
      const accounts = await accountsIn(store.gateway, undefined);
      const { pending } = await pairingsOf(accounts, store.pairing, now());
      // A page that is a moment old must not count as a person who guesses codes.
      if (!pending.some((request) => request.code === code)) {
        throw new RefusedChange(`${quoted(code)} is unknown, decided or expired`);
      }
      const decided = await decideRequest(how, code, accounts, { store, config: setup().config });
      if (decided.code !== EXIT.done) throw new RefusedChange(decided.text);
      const { text, warning } = decided;
      return { text: warning === undefined ? text : `${text}. Warning: ${warning}` };
    },
  });
}

/** Lets a person in. */
export const approvePairing: AnyChange = decidePairing("approve", "Approve");
/** Refuses a person. */
export const denyPairing: AnyChange = decidePairing("deny", "Deny");

export const PEOPLE_CHANGES: readonly AnyChange[] = [
  allowOnce,
  allowAlways,
  denyCall,
  approvePairing,
  denyPairing,
];
