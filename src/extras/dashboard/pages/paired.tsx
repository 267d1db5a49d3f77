/** The part of the page People with who is paired (P3), and with `barnacle forget` (X5). */

/** @jsxImportSource hono/jsx */

import type { Paired } from "../../../core/inbound/pairing.ts";
import { pairingsOf } from "../../access/exports.ts";
import { accountsIn } from "../../../cli/shared/which_account.ts";
import { Card, ChangeForm, Field, Table, Time } from "../base/elements.tsx";
import { type AnyPage, page } from "../base/page.ts";
import { nameOf, Person } from "../base/person.tsx";
import { revokePairing } from "../changes/people.ts";
import { forgetUser } from "../changes/sessions.ts";
import type { NamesById } from "./names.ts";

/** Lists who is paired, and offers to forget a person. */
export const pairedPart: AnyPage = page<{
  readonly paired: readonly Paired[];
  readonly names: NamesById;
}>({
  async load({ store, now }) {
    const accounts = await accountsIn(store.gateway, undefined);
    const { paired } = await pairingsOf(accounts, store.pairing, now());
    return { paired, names: await store.messages.askersNames() };
  },
  view: ({ paired, names }) => (
    <>
      <Card id="paired" title="Paired people">
        <Table
          caption="Paired people"
          empty="No one is paired."
          head={["Person", "Account", "Since", "By", "Actions"]}
          rows={paired.map(({ userId, username, accountId, pairedAt, pairedBy }) => [
            <Person id={userId} name={username} />,
            accountId,
            <Time at={pairedAt} />,
            pairedBy === "cli" ? "the operator" : names.get(pairedBy) ?? pairedBy,
            <ChangeForm
              change={revokePairing}
              fields={{ user: userId }}
              of={`${nameOf({ userId, username })}, account ${accountId}`}
            />,
          ])}
        />
      </Card>
      <Card id="forget" title="Forget a person">
        <p class="hint">
          Deletes the person's messages, names, decisions and pairing. Answers of the model stay,
          without the person's id and names.
        </p>
        <ChangeForm change={forgetUser}>
          <Field name="user" label="User id" placeholder="123456789012345678" isRequired />
        </ChangeForm>
      </Card>
    </>
  ),
});
