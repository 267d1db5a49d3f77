/**
 * `messages`: how messages are read and written, and what Barnacle says in its own name.
 *
 * @module
 */

import { z } from "zod";
import { NOTICES, type TextKey } from "../../render/notices.ts";
import { key, laterSection, text, whole } from "./key.ts";

export const mentionPatterns = () => z.array(text().max(500)).max(100).optional();

export const MENTION_PATTERNS =
  "Regular expressions (RE2, any case) that count as a mention in guilds; `[]` is none.";

/** Made once for all sentences: a schema for each would cost a start 2 ms. */
const words = text().max(2_000).regex(
  /\S/,
  "Expected words: it is said so that nobody waits in vain",
);

/** A sentence of the operator's; what it may hold is said by the table of them. */
function sentence(name: TextKey, example: string): z.ZodOptional<z.ZodString> {
  const { when, placeholders, text: ours } = NOTICES[name];
  const filled = Object.entries(placeholders).map(([word, becomes]) =>
    `\`{${word}}\` is ${becomes}`
  );
  return key(
    words.optional(),
    `What is said when ${[when, filled.join(", ")].filter(Boolean).join("; ")}.`,
    { unset: JSON.stringify(ours), example },
  );
}

/** One of Unicode's, with or without the mark that it is a picture; or as it is written in a message. */
const EMOJI = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\uFE0F?|<a?:\w{2,32}:\d{17,20}>)$/v;

const texts = {
  failure: sentence("failure", "Das ging schief: `{id}`"),
  tooLong: sentence("tooLong", "Das ist nur der Anfang; alles steht in `{file}`."),
  tooLongNoFile: sentence("tooLongNoFile", "Das ist nur der Anfang; alles hätte {size}."),
  fileCut: sentence("fileCut", "[Hier ist Schluss: mehr als {limit} darf eine Datei nicht haben.]"),
  fileTooLarge: sentence("fileTooLarge", "`{file}` hat {size}; mehr als {limit} geht hier nicht."),
  fileWithheld: sentence("fileWithheld", "`{file}` enthält ein Geheimnis und bleibt hier."),
  folded: sentence("folded", "Ich kam nicht nach: {count} Antworten stehen in `{file}`."),
  foldedHeading: sentence("foldedHeading", "Antwort auf {message}"),
  parked: sentence("parked", "In {channel} darf ich nicht schreiben: {reason}"),
  dead: sentence("dead", "{count} Nachrichten für {channel} gebe ich auf: {reason}"),
  breaker: sentence("breaker", "Discord hat {count} Anfragen abgelehnt; ich mache Pause."),
  challenge: sentence("challenge", "Wer mich betreibt, lässt dich mit `{code}` ein; du bist {id}."),
  paired: sentence("paired", "Du darfst mir jetzt schreiben."),
  pairingAsked: sentence("pairingAsked", "{name} ({id}) will mir schreiben: `{code}`, bis {until}"),
  approve: sentence("approve", "Erlauben"),
  deny: sentence("deny", "Ablehnen"),
  approved: sentence("approved", "{name} ({id}) darf mir schreiben, sagt {by}."),
  denied: sentence("denied", "{name} ({id}) darf mir nicht schreiben, sagt {by}."),
  decidedBefore: sentence("decidedBefore", "{name} ({id}): Das ist schon entschieden."),
  pairingExpired: sentence("pairingExpired", "{name} ({id}): Der Code ist abgelaufen."),
  notAuthorized: sentence("notAuthorized", "Das darfst du nicht."),
  deadButton: sentence("deadButton", "Dieser Knopf tut nichts mehr."),
  unknownCommand: sentence("unknownCommand", "Diesen Befehl kenne ich nicht mehr."),
  status: sentence("status", "Barnacle {version} mit `{model}`. Online seit {online} ({latency})."),
  statusModelFails: sentence("statusModelFails", "Das Modell antwortet nicht, seit {since}."),
  pressFailed: sentence("pressFailed", "Ob das ging, zeigt `barnacle pairing list`."),
  joined: sentence("joined", "Man hat mich in {name} ({id}) geholt; {rule} schweigt. {command}"),
} satisfies Record<TextKey, z.ZodOptional<z.ZodString>>;

export const messages = z.strictObject({
  groupChat: key(
    z.strictObject({
      historyLimit: key(whole(0, 500).optional(), "Where `historyLimit` of Discord is not set.", {
        unset: "20",
        example: 20,
      }),
      mentionPatterns: key(mentionPatterns(), MENTION_PATTERNS, {
        unset: "the agent's name",
        example: ["\\bbarney\\b"],
      }),
    }).prefault({}),
    "Guild channels.",
  ),
  texts: key(z.strictObject(texts).prefault({}), "Barnacle's own sentences in your words."),
  maxChunks: key(
    whole(1, 100).default(12),
    "Messages of one reply, at most; a longer one is its beginning, and a file.",
  ),
  tables: key(
    z.enum(["code", "bullets", "off"]).default("code"),
    "How a table is shown, which Discord cannot.",
  ),
  ackReaction: key(
    z.string().refine(
      (written) => written === "" || EMOJI.test(written),
      "Expected one emoji, or one of the server's own as <:name:id>",
    ).default("👀"),
    "The reaction that says: read. None if empty; one of the server's own is `<:name:id>`.",
  ),
  ackReactionScope: key(
    z.enum(["group-mentions", "group-all", "direct", "all", "off"]).default("group-mentions"),
    "Where that reaction is shown.",
  ),
  removeAckAfterReply: key(
    z.boolean().default(false),
    "Whether that reaction goes after the reply.",
  ),
  linkHosts: key(
    z.array(
      z.string().regex(
        /^(?:\*\.)?[^\s/:@*?#]+$/,
        'Expected a host, such as "example.org", or "*.example.org" for all below it',
      ),
    ).default([]),
    "Hosts whose links the model may write whole, beside those that the conversation names; " +
      "`*.example.org` are all below `example.org`.",
  ),
  queue: laterSection(() =>
    z.strictObject({
      mode: key(
        z.enum(["collect", "steer", "followup", "interrupt"]).optional(),
        "What becomes of it.",
        {
          unset: "collect in guilds, steer in DMs",
          example: "collect",
        },
      ),
      perUser: key(whole(1, 100).default(3), "Turns of a user that wait, at most."),
      perChannel: key(whole(1, 100).default(8), "Turns of a channel that wait, at most."),
    }).prefault({}), "What becomes of messages that arrive during a turn."),
});
