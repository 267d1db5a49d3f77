/** Writes the messages of alerts: as text, and as the bodies that webhooks and ntfy take (O12). */

import type { AlertEvent, AlertKindName, AlertRecord } from "../../core/alerts.ts";
import { durationText, timeText } from "../../lib/text/units.ts";
import { kindOf } from "./kinds.ts";

export interface AlertMessage {
  readonly event: AlertEvent | "test";
  readonly kind: AlertKindName | "test";
  readonly about: string;
  readonly title: string;
  /** The other sentences, with cause and next step. */
  readonly body: string;
  readonly isUrgent: boolean;
  /** As {@link AlertRecord.cause}. */
  readonly cause?: string;
  /** As {@link AlertRecord.fix}. */
  readonly fix?: string;
  /** The beginning of the trouble, in ISO 8601. */
  readonly since?: string;
  /** Its end, in ISO 8601. */
  readonly until?: string;
}

const isoText = (at: number): string => new Date(at).toISOString();

export function alertMessage(record: AlertRecord, event: AlertEvent, now: number): AlertMessage {
  const { kind, about, cause, fix, since, endedAt, told } = record;
  const row = kindOf(kind);
  const place = about === "" ? "" : ` (${about})`;
  const last = endedAt ?? now;
  const parts = { kind, about, event, cause, fix, since: isoText(since) };
  if (event === "ends") {
    const lasted = `It lasted ${durationText(last - since)}, from ${timeText(since)} to ` +
      `${timeText(last)}.`;
    const cause_ = told ? "" : ` The cause was: ${cause}. Barnacle could not tell you earlier.`;
    return {
      ...parts,
      title: `${row?.ends ?? kind}${place}`,
      body: lasted + cause_,
      isUrgent: false,
      until: isoText(last),
    };
  }
  const still = event === "lasts" ? "Still: " : "";
  const begun = now - since < 60_000 ? "" : ` Since ${timeText(since)}.`;
  return {
    ...parts,
    title: `${still}${row?.begins ?? kind}${place}`,
    body: `Cause: ${cause}.${begun}${fix === undefined ? "" : ` Next step: ${fix}.`}`,
    isUrgent: row?.isUrgent ?? true,
  };
}

/** The message of `barnacle alerts test`. */
export const TEST_MESSAGE: AlertMessage = {
  event: "test",
  kind: "test",
  about: "",
  title: "Test alert of Barnacle",
  body: "Barnacle can reach you this way. Nothing is wrong.",
  isUrgent: false,
};

export function messageText({ title, body }: AlertMessage): string {
  return `${title}.\n${body}`;
}

interface AlertRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Longest text of a Discord message. */
const MAX_CONTENT = 2_000;

/**
 * The request to a webhook: JSON with the parts of the message. Slack and its like show `text`, a
 * webhook of Discord shows `content`.
 */
export function webhookRequest(message: AlertMessage): AlertRequest {
  const text = messageText(message).slice(0, MAX_CONTENT);
  const { isUrgent: _, ...parts } = message;
  return {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text, content: text, allowed_mentions: { parse: [] }, ...parts }),
  };
}

export function ntfyRequest(message: AlertMessage, token: string | undefined): AlertRequest {
  const { title, body, isUrgent, event } = message;
  return {
    headers: {
      "content-type": "text/plain; charset=utf-8",
      title: asciiOf(title),
      priority: isUrgent ? "high" : "default",
      tags: TAGS[event],
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body,
  };
}

/** Names of emoji, which ntfy shows before the title. */
const TAGS: Readonly<Record<AlertMessage["event"], string>> = {
  begins: "warning",
  lasts: "warning",
  ends: "white_check_mark",
  test: "bell",
};

/** Headers carry ASCII only; names of models and accounts may have more. */
function asciiOf(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
