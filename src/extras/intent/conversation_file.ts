/**
 * Reads conversations with labels from a file of JSON lines, for `barnacle intent` (I2).
 *
 * A line is a message: `{"author": "ada", "text": "and on Debian?", "label": true}`.
 */

import { z } from "zod";
import type { UserId } from "../../core/discord/ids.ts";
import { namedFirst } from "../../policy/intent/addressees.ts";
import type { LabelledMessage } from "./replay.ts";
import { readBounded } from "../../host/files/read_bounded.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { whyUnreadable } from "../../cli/shared/read_config.ts";

const schema = z.object({
  author: z.string().min(1),
  text: z.string(),
  /** Unix time in seconds, or an ISO time. */
  time: z.union([z.number().finite(), z.iso.datetime({ offset: true, local: true })]).optional(),
  to: z.union([z.string(), z.array(z.string())]).optional(),
  channel: z.string().optional(),
  label: z.boolean().nullish(),
  room: z.boolean().nullish(),
  needsReply: z.boolean().nullish(),
});

type Line = z.infer<typeof schema>;

/** Largest size of a file: some 500,000 messages. */
const MAX_BYTES = 64 * 1_024 * 1_024;

const LINE_STEP = "`barnacle intent eval --help` shows a line";

/** The seconds between two messages without times. */
const PAUSE_MS = 20_000;

/**
 * Reads a file.
 *
 * @param bot The author of the bot's messages.
 * @throws {StartError} If it cannot be read, or a line is no message.
 */
export function readConversations(file: string, bot: string): readonly LabelledMessage[] {
  let text: string;
  try {
    text = readBounded(file, { maxBytes: MAX_BYTES, acceptsPipes: true });
  } catch (cause) {
    throw new StartError(`cannot read ${printable(file)}: ${whyUnreadable(cause)}`, EXIT.io, cause);
  }
  return toMessages(
    text.split("\n").flatMap((line, at) =>
      line.trim() === "" ? [] : [readLine(line, `${printable(file)}:${at + 1}`)]
    ),
    bot as UserId,
  );
}

function readLine(text: string, place: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StartError(`${place}: not JSON; ${LINE_STEP}`, EXIT.usage, cause);
  }
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue?.path.length ? `${issue.path.join(".")}: ` : "";
  throw new StartError(
    `${place}: ${where}${issue?.message ?? "no message"}; ${LINE_STEP}`,
    EXIT.usage,
  );
}

/** Adds times and addressees where the file has none. */
function toMessages(lines: readonly Line[], bot: UserId): readonly LabelledMessage[] {
  const people = new Map(lines.map(({ author }) => [author.toLowerCase(), author as UserId]));
  people.set(bot.toLowerCase(), bot);
  const lastPerson = new Map<string, UserId>();
  let before = 0;
  return lines.map(({ author: name, text, time, to, channel = "", label, room, needsReply }) => {
    const author = name as UserId;
    const first = namedFirst(text, people); // as the running bot reads it
    const named = first === author ? undefined : first;
    const asked = author === bot ? lastPerson.get(channel) : undefined;
    const given = typeof to === "string" ? [to] : to;
    const at = time === undefined
      ? before + PAUSE_MS
      : typeof time === "number"
      ? time * 1_000
      : Date.parse(time);
    before = at;
    if (author !== bot) lastPerson.set(channel, author);
    return {
      author,
      text,
      at,
      to: given?.map((one) => people.get(one.toLowerCase()) ?? one as UserId) ??
        [named ?? asked].filter((one) => one !== undefined),
      beginsWithName: named !== undefined,
      channel,
      label: label ?? undefined,
      room: room ?? undefined,
      needsReply: needsReply ?? undefined,
    };
  });
}
