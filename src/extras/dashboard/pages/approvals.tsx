/**
 * The page Approvals: questions that wait for a person, and pairing, as of `barnacle approvals list`
 * and `barnacle pairing list` (A4, P3).
 */

/** @jsxImportSource hono/jsx */

import {
  ALLOW_ALWAYS,
  ALLOW_ONCE,
  DENY,
  type StoredQuestion,
} from "../../../core/people/question.ts";
import type { Paired } from "../../../core/inbound/pairing.ts";
import { withVisibleCharacters } from "../../../render/questions/card.ts";
import { type OpenRequest, pairingsOf, timesText } from "../../access/exports.ts";
import { decidersText } from "../../agent/exports.ts";
import { accountsIn } from "../../../cli/shared/which_account.ts";
import { Card, ChangeForm, Command, Facts, Table, Time } from "../base/elements.tsx";
import { type AnyChange, type AnyPage, page, type PageView } from "../base/page.ts";
import {
  allowAlways,
  allowOnce,
  approvePairing,
  denyCall,
  denyPairing,
  revokePairing,
} from "../changes/people.ts";
import { channelNames, namedText, type NamesById } from "./names.ts";

/** The facts of the page. */
interface ApprovalsFacts {
  readonly questions: readonly StoredQuestion[];
  readonly pending: readonly OpenRequest[];
  readonly paired: readonly Paired[];
  readonly names: NamesById;
  readonly channels: NamesById;
  readonly now: number;
}

const KINDS: Readonly<Record<StoredQuestion["question"]["kind"], string>> = {
  approval: "Approval of a command",
  escalation: "Refused call",
  ask: "Question of the agent",
  limit: "Many destructive actions",
  review: "Answer to check",
  offer: "Offered actions",
};

const CHOICES: readonly (readonly [key: string, change: AnyChange])[] = [
  [ALLOW_ONCE, allowOnce],
  [ALLOW_ALWAYS, allowAlways],
  [DENY, denyCall],
];

/** Labels of buttons that are not those of the changes. */
const LABELS: Readonly<
  Partial<Record<StoredQuestion["question"]["kind"], Record<string, string>>>
> = {
  review: { [ALLOW_ONCE]: "Post", [DENY]: "Discard" },
  offer: { [DENY]: "Dismiss" },
};

/** What only Discord can do. */
const HINTS: Readonly<Partial<Record<StoredQuestion["question"]["kind"], string>>> = {
  review: "To edit the draft, or to answer in its place, use its card on Discord.",
  offer: "To run an action, press its button on Discord: it runs with your rights there.",
};

/** Shows what waits for a person, and who is paired. */
export const approvalsPage: AnyPage = page<ApprovalsFacts>({
  async load({ store, now }) {
    const at = now();
    const accounts = await accountsIn(store.gateway, undefined);
    return {
      questions: await store.questions.open(at),
      ...await pairingsOf(accounts, store.pairing, at),
      names: await store.received.askersNames(),
      channels: await channelNames(accounts, store),
      now: at,
    };
  },
  view: (facts) => (
    <>
      <Card id="questions" title="Waiting for a decision">
        <p class="hidden" data-announce>{waitingText(facts.questions.length)}</p>
        {facts.questions.length === 0 && <p class="empty">Nothing waits for a person.</p>}
        {facts.questions.map((one) => (
          <QuestionCard one={one} names={facts.names} channels={facts.channels} />
        ))}
        <p class="hint">
          <Command>barnacle approvals list</Command>
        </p>
      </Card>
      <Card id="pairing" title="Pairing requests">
        <Table
          caption="Pairing requests"
          empty="No open pairing requests."
          head={["Code", "Person", "Times", "Actions"]}
          rowHead={1}
          rows={facts.pending.map((request) => [
            <code>{request.code}</code>,
            <Person id={request.userId} name={request.username} />,
            timesText(request, facts.now),
            <>
              <ChangeForm
                change={approvePairing}
                fields={{ code: request.code }}
                of={nameOf(request)}
              />
              <ChangeForm
                change={denyPairing}
                fields={{ code: request.code }}
                of={nameOf(request)}
              />
            </>,
          ])}
        />
        <p class="hint">
          <Command>barnacle pairing list</Command>
        </p>
      </Card>
      <Card id="paired" title="Paired people">
        <Table
          caption="Paired people"
          empty="No one is paired."
          head={["Person", "Account", "Since", "By", "Actions"]}
          rows={facts.paired.map(({ userId, username, accountId, pairedAt, pairedBy }) => [
            <Person id={userId} name={username} />,
            accountId,
            <Time at={pairedAt} />,
            pairedBy === "cli" ? "the operator" : facts.names.get(pairedBy) ?? pairedBy,
            <ChangeForm
              change={revokePairing}
              fields={{ user: userId }}
              of={`${nameOf({ userId, username })}, account ${accountId}`}
            />,
          ])}
        />
      </Card>
    </>
  ),
});

/** For screen readers, which hear it when a question comes or goes. */
function waitingText(count: number): string {
  return count === 1 ? "One question waits for a person" : `${count} questions wait for a person`;
}

/** A name is no identity: two people may have the same one. */
function nameOf({ userId, username }: Pick<Paired, "userId" | "username">): string {
  return `${username}, ${userId}`;
}

/** A name, which anyone may take, and the id, which no one can. */
function Person({ id, name }: { id: string; name: string }): PageView {
  return (
    <>
      {name} <code>{id}</code>
    </>
  );
}

function QuestionCard(
  { one, names, channels }: Pick<ApprovalsFacts, "names" | "channels"> & { one: StoredQuestion },
): PageView {
  const { code, question, expiresAt } = one;
  const { kind, tool, text, facts, exact, choices, review } = question;
  const hint = HINTS[kind];
  const offered = CHOICES.filter(([key]) => choices.some((choice) => choice.key === key));
  return (
    <article class="question" data-row={code} aria-label={`${KINDS[kind]} ${code}`}>
      <h3>
        {KINDS[kind]} <code>{code}</code>
      </h3>
      <p class="words">{namedText(text, names, channels)}</p>
      {review && (
        <>
          <p>Question:</p>
          <pre>{withVisibleCharacters(review.words)}</pre>
          <p>Draft:</p>
        </>
      )}
      {exact !== undefined && <pre>{withVisibleCharacters(exact)}</pre>}
      <Facts
        rows={[
          ["Tool", tool],
          ...facts.map(({ name, value }) => [name, namedText(value, names, channels)] as const),
          ["Decides", decidersText(question, (id) => names.get(id) ?? id)],
          ["Expires", <Time at={expiresAt} />],
        ]}
      />
      {offered.map(([key, change]) => (
        <ChangeForm change={change} fields={{ code }} of={code} label={LABELS[kind]?.[key]} />
      ))}
      {hint !== undefined && <p class="hint">{hint}</p>}
      {offered.length === 0 && <p class="hint">Only the asked person can answer, in Discord.</p>}
    </article>
  );
}
