/** The part Outbox of the page Diagnostics: unsent messages with their reasons, as of `barnacle outbox list` (D2). */

/** @jsxImportSource hono/jsx */

import type { AccountId } from "../../../core/discord/ids.ts";
import type { OpenRow } from "../../../core/store/outbox.ts";
import { dropMessage, resendMessage } from "../changes/outbox.ts";
import { Badge, Card, ChangeForm, Table, Time, type Tone } from "../base/elements.tsx";
import { type AnyPage, page } from "../base/page.ts";

type UnsentRow = OpenRow & { readonly accountId: AccountId };

const TONES: Readonly<Record<OpenRow["state"], Tone>> = {
  pending: "plain",
  sending: "plain",
  parked: "warn",
  uncertain: "bad",
  dead: "bad",
};

/** Lists unsent messages, and offers to send or drop them. */
export const outboxPart: AnyPage = page<readonly UnsentRow[]>({
  async load({ store, setup }) {
    const rows: UnsentRow[] = [];
    for (const { accountId } of setup().config.accounts) {
      for (const row of await store.outbox.open(accountId)) rows.push({ accountId, ...row });
    }
    return rows;
  },
  view: (rows) => (
    <Card id="unsent" title="Unsent messages">
      <Table
        caption="Unsent messages"
        empty="No unsent messages."
        head={["Message", "State", "Since", "Channel", "Text", "Reason", "Actions"]}
        rows={rows.map((row) => [
          String(row.id),
          <Badge tone={TONES[row.state]}>{row.state}</Badge>,
          <Time at={row.createdAt} />,
          row.channelId,
          textOf(row),
          row.reason ?? "",
          <>
            {(row.state === "uncertain" || row.state === "dead") &&
              <ChangeForm change={resendMessage} {...formOf(row)} />}
            <ChangeForm change={dropMessage} {...formOf(row)} />
          </>,
        ])}
      />
    </Card>
  ),
});

/** Field and name of its forms. */
function formOf({ id }: OpenRow) {
  return { fields: { id: String(id) }, of: `message ${id}` };
}

function textOf({ preview, chars, fileCount }: OpenRow): string {
  const files = fileCount === 0 ? "" : ` +${fileCount} file${fileCount === 1 ? "" : "s"}`;
  return `${preview.length < chars ? `${preview}…` : preview}${files}`;
}
