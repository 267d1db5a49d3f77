/** Shows verdicts in a table: who wrote where, whether the bot answers, and why. */

/** @jsxImportSource hono/jsx */

import type { JudgedOnRecord, RecordedVerdict } from "../../../store/received/message_record.ts";
import { reasonText } from "../../../render/notices/reasons.ts";
import { displayNameOf } from "../../../session/session_key.ts";
import { Badge, PageLink, Table, Time, type Tone } from "./elements.tsx";
import type { PageView } from "./page.ts";

const VERDICTS: Readonly<Record<RecordedVerdict["verdict"], readonly [Tone, string]>> = {
  accept: ["good", "accepted"],
  ignore: ["plain", "ignored"],
  challenge: ["warn", "pairing"],
  undecided: ["plain", "undecided"],
};

/** A verdict in one word. */
export function VerdictBadge({ verdict }: Pick<RecordedVerdict, "verdict">): PageView {
  const [tone, word] = VERDICTS[verdict];
  return <Badge tone={tone}>{word}</Badge>;
}

/** The table. Each message links to its explanation. */
export function Decisions({ rows }: { rows: readonly JudgedOnRecord[] }): PageView {
  return (
    <Table
      caption="Decisions"
      empty="No message has come yet."
      head={["Time", "From", "Place", "Decision", "Reason"]}
      rowHead={1}
      names={rows.map(({ id }) => String(id))}
      rows={rows.map(({ at, messageId, verdict, why, ...row }) => [
        <Time at={at} />,
        senderOf(row),
        placeOf(row),
        <VerdictBadge verdict={verdict} />,
        <PageLink to="feed" query={{ message: messageId }}>
          {reasonText(why)}
          <span class="hidden">{` Message ${messageId} of ${senderOf(row)}`}</span>
        </PageLink>,
      ])}
    />
  );
}

function senderOf({ facts, authorId }: Pick<JudgedOnRecord, "facts" | "authorId">): string {
  return facts?.sender.username ?? authorId;
}

function placeOf({ facts, channelId }: Pick<JudgedOnRecord, "facts" | "channelId">): string {
  if (!facts) return channelId;
  return facts.place.kind === "guild" ? displayNameOf(facts.place) : "direct message";
}
