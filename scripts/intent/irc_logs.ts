/**
 * Reads annotated chat logs in the format of irc-disentanglement (Kummerfeld et al., ACL 2019).
 *
 * `NAME.ascii.txt` has a line for each message: `[22:44] <ada> text`, with a channel and a date before
 * it in the newer files. A line of `NAME.annotation.txt` links two lines by number: the second answers
 * the first. A line that links to itself begins a conversation.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { UserId } from "../../src/core/discord/ids.ts";
import { addresseesIn } from "../../src/policy/intent/addressees.ts";
import type { IntentMessage } from "../../src/policy/intent/tracker.ts";

export interface LoggedMessage extends IntentMessage {
  /** Its line. */
  readonly line: number;
  /** The lines that it answers; `undefined` if no one annotated it. */
  readonly answers?: readonly number[];
}

export interface IrcLog {
  readonly channel: string;
  /** By line, in order. Lines of the server are not in it. */
  readonly messages: ReadonlyMap<number, LoggedMessage>;
}

const TEXTS = ".ascii.txt";
const LINKS = ".annotation.txt";
const LINE =
  /^(?:\S+ \d{4}-\d\d-\d\d )?\[(\d\d):(\d\d)(?::(\d\d))?\]\s+(?:<([^>]+)>|\*\s+(\S+))\s*(.*)$/;
/** A clock that goes back by more than this has passed midnight. */
const HALF_A_DAY = 43_200;
const A_DAY = 86_400;

export function readIrcLogs(folder: string): readonly IrcLog[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(TEXTS))
    .sort()
    .map((file) => {
      const name = file.slice(0, -TEXTS.length);
      const read = (ending: string) => readFileSync(join(folder, name + ending), "utf8");
      return {
        // The first logs have dates as names, and are all of #ubuntu.
        channel: /^([a-z-]+)\.\d+$/.exec(name)?.[1] ?? "ubuntu",
        messages: parse(read(TEXTS).split("\n"), linksIn(read(LINKS))),
      };
    });
}

/** The earlier lines that each annotated line answers. */
function linksIn(text: string): ReadonlyMap<number, readonly number[]> {
  const links = new Map<number, number[]>();
  for (const line of text.split("\n")) {
    const [first, second] = line.split(/\s+/, 2).map(Number);
    if (line === "" || first === undefined || second === undefined) continue;
    const later = Math.max(first, second);
    const earlier = links.get(later) ?? [];
    if (first !== second) earlier.push(Math.min(first, second));
    links.set(later, earlier);
  }
  return links;
}

function parse(
  lines: readonly string[],
  links: ReadonlyMap<number, readonly number[]>,
): ReadonlyMap<number, LoggedMessage> {
  const rows: { line: number; author: UserId; text: string; at: number }[] = [];
  const people = new Map<string, UserId>();
  let day = 0;
  let before = 0;
  for (const [line, whole] of lines.entries()) {
    const [, hour, minute, second = "0", name, actor, text = ""] = LINE.exec(whole) ?? [];
    const author = (name ?? actor) as UserId | undefined;
    if (author === undefined) continue;
    const time = Number(hour) * 3_600 + Number(minute) * 60 + Number(second);
    if (time + HALF_A_DAY < before) day++;
    before = time;
    people.set(author.toLowerCase(), author);
    rows.push({ line, author, text: text.trim(), at: (day * A_DAY + time) * 1_000 });
  }
  return new Map(rows.map((row) => [
    row.line,
    {
      ...row,
      ...addresseesIn(row.text, people, row.author),
      answers: links.get(row.line),
    },
  ]));
}

/** A message without the name of one person, as if it did not mention that person. */
export function withoutName(message: LoggedMessage, name: UserId): LoggedMessage {
  if (!message.to.includes(name)) return message;
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return {
    ...message,
    text: message.text.replace(new RegExp(`(^|\\W)${escaped}(?!\\w)[:,;]?`, "gi"), " ").trim(),
    to: message.to.filter((one) => one !== name),
  };
}
