/** The part Access of the page People: who may do what where, and the test of it (P1), as of `barnacle access`. */

/** @jsxImportSource hono/jsx */

import { type AccessMatrix, cellsOf, matrixOf, namedEntry } from "../../access/exports.ts";
import { accessNow } from "../../../cli/verdict/current_rules.ts";
import { Card, ChangeForm, Choice, Command, Field, PageLink, Table } from "../base/elements.tsx";
import { type AnyPage, page, type PageView } from "../base/page.ts";
import { testAccess } from "../changes/access.tsx";

/** Shows the access rules, and offers to test them. */
export const accessPart: AnyPage = page<{
  /** One for each account; `undefined` if the config file is not valid. */
  readonly matrices: readonly AccessMatrix[] | undefined;
}>({
  async load({ store, env, configFile }) {
    const now = await accessNow(configFile, { env }, store);
    if (now.kind === "refused") return { matrices: undefined };
    const matrices: AccessMatrix[] = [];
    for (const view of now.views) matrices.push(await matrixOf(view, store, false));
    return { matrices };
  },
  view: ({ matrices }) => (
    <>
      {matrices === undefined && (
        <p class="problem" role="alert">
          The config file is not valid; the page <PageLink to="settings">Settings</PageLink>{" "}
          shows its errors.
        </p>
      )}
      <Card id="test" title="Test as a person">
        <TestForm accounts={(matrices ?? []).map(({ accountId }) => accountId)} />
      </Card>
      {matrices?.map((matrix) => <Matrix {...matrix} isOneOfMany={matrices.length > 1} />)}
    </>
  ),
});

function TestForm({ accounts }: { accounts: readonly string[] }): PageView {
  return (
    <ChangeForm change={testAccess} isMain>
      <Field name="user" label="Person: id or username" placeholder="ada" isRequired />
      <Field
        name="channel"
        label="Place: dm, #name, a link or an id"
        placeholder="#general"
        isRequired
      />
      <Field name="text" label="Text" placeholder="hello" />
      <Field name="role" label="Roles, with commas" />
      {accounts.length > 1 && (
        <Choice
          name="account"
          label="Account"
          options={accounts.map((one) => [one, one] as const)}
        />
      )}
      <Box name="mention" label="mentions the bot" />
      <Box name="reply" label="replies to the bot" />
      <Box name="bot" label="is of a bot" />
      <Box name="manager" label="the sender may manage messages" />
    </ChangeForm>
  );
}

function Box({ name, label }: { name: string; label: string }): PageView {
  return (
    <label class="box">
      <input type="checkbox" name={name} /> {label}
    </label>
  );
}

function Matrix(
  { accountId, rows, owners, names, allowsBots, isOneOfMany }: AccessMatrix & {
    isOneOfMany: boolean;
  },
): PageView {
  const listed = (entries: readonly string[]) =>
    entries.map((entry) => namedEntry(entry, names)).join(", ");
  return (
    <Card
      id={`matrix-${accountId}`}
      title={isOneOfMany ? `Who may do what where: ${accountId}` : "Who may do what where"}
    >
      <Table
        caption="Who may do what where"
        empty="No places."
        head={["Place", "Mention", "Reactions", "Commands", "Who may talk", "Rule"]}
        rows={rows.map((row) => {
          const [mention = "", reactions = "", commands = ""] = cellsOf(row, 0)
            .map((cell) => cell === "-" ? "none" : cell); // a screen reader says no dash
          return [
            row.isUnknown ? `${row.place}?` : row.place,
            mention,
            reactions,
            commands,
            listed(row.talk),
            <code>{row.rule}</code>,
          ];
        })}
      />
      <p class="hint">
        basic*: in guilds, session commands need Manage Messages or an owner. ?: an unresolved name,
        or unknown to the bot.{allowsBots && " Other bots follow the same rules as people."}
      </p>
      <p>Owners: {listed(owners) || "no one"}.</p>
      <p class="hint">
        <Command>barnacle access matrix</Command>
      </p>
    </Card>
  );
}
