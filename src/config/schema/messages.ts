/**
 * Keys of `messages`: how Barnacle reads and writes messages, and its own sentences.
 *
 * @module
 */

import { z } from "zod";
import { QUEUE_MODES } from "../../core/people/chosen.ts";
import type { TextKey } from "../../render/notices/notices.ts";
import { key, lazySection, text, whole } from "./parts/key.ts";
import { sentence } from "./parts/sentence.ts";
import { allowlistTexts } from "./parts/allowlist_texts.ts";
import { mcpTexts } from "./parts/mcp_texts.ts";
import { settingTexts } from "./parts/setting_texts.ts";

/** A list of patterns that count as a mention. */
export const mentionPatterns = () => z.array(text().max(500)).max(100).optional();

/** The description of each such list. */
export const MENTION_PATTERNS =
  "Regular expressions (RE2, case-insensitive) that count as a mention in guilds; `[]` means none. " +
  "`config check` refuses patterns that are too large or too complex, such as `bot.{0,40}help`; " +
  "write `bot.*help`.";

/** A locale of Discord's: `de`, `pt-BR`. */
const locale = z.string().regex(/^[a-z]{2}(?:-[A-Z]{2}|-419)?$/, "Expected a locale, such as de");

/** A Unicode emoji, with or without its variation selector, or a server's own as in a message. */
const EMOJI = /^(?:\p{RGI_Emoji}|\p{Extended_Pictographic}\uFE0F?|<a?:\w{2,32}:\d{17,20}>)$/v;

const texts = () => ({
  failure: sentence("failure", "Das ging schief: `{id}`"),
  tooLong: sentence("tooLong", "Das ist nur der Anfang; alles steht in `{file}`."),
  tooLongNoFile: sentence("tooLongNoFile", "Das ist nur der Anfang; alles hätte {size}."),
  fileCut: sentence("fileCut", "[Hier ist Schluss: mehr als {limit} darf eine Datei nicht haben.]"),
  fileTooLarge: sentence("fileTooLarge", "`{file}` hat {size}; mehr als {limit} geht hier nicht."),
  fileWithheld: sentence("fileWithheld", "`{file}` enthält ein Geheimnis und bleibt hier."),
  fileRefused: sentence("fileRefused", "`{file}` darf ich hier nicht anhängen."),
  folded: sentence("folded", "Ich kam nicht nach: {count} Antworten stehen in `{file}`."),
  foldedHeading: sentence("foldedHeading", "Antwort auf {message}"),
  parked: sentence("parked", "In {channel} darf ich nicht schreiben: {reason}"),
  noFiles: sentence("noFiles", "In {channel} darf ich nichts anhängen: {reason}"),
  dead: sentence("dead", "{count} Nachrichten für {channel} gebe ich auf: {reason}"),
  setAside: sentence("setAside", "Eine Nachricht für {channel} lege ich beiseite: {reason}"),
  breaker: sentence("breaker", "Discord hat {count} Anfragen abgelehnt; ich mache Pause."),
  modelFails: sentence("modelFails", "Mein Modell {model} versagt: {problem}. Abhilfe: {fix}"),
  stopped: sentence("stopped", "Schon aufgehört."),
  nothingToStop: sentence("nothingToStop", "Hier läuft nichts von dir."),
  stopButton: sentence("stopButton", "Halt"),
  progress: sentence("progress", "{work} · Schritt {step}/{steps} · {seconds} s"),
  workThinking: sentence("workThinking", "denke nach"),
  workTool: sentence("workTool", "nutze `{tool}`"),
  workHistory: sentence("workHistory", "lese {channel}"),
  workAsk: sentence("workAsk", "stelle eine Frage"),
  workDiscord: sentence("workDiscord", "arbeite in Discord"),
  workExec: sentence("workExec", "führe einen Befehl aus"),
  workThread: sentence("workThread", "öffne einen Thread"),
  workMemory: sentence("workMemory", "sehe in meine Notizen"),
  workRecall: sentence("workRecall", "lese unser Gespräch nach"),
  workRemind: sentence("workRemind", "stelle eine Erinnerung"),
  workSkill: sentence("workSkill", "lese eine Anleitung"),
  workPage: sentence("workPage", "lese eine Webseite"),
  workSearch: sentence("workSearch", "suche im Netz"),
  workCode: sentence("workCode", "rechne"),
  workImage: sentence("workImage", "zeichne"),
  workFiles: sentence("workFiles", "arbeite an Dateien"),
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
  context: sentence("context", "{entries} Nachrichten, {tokens} von {window} Tokens ({percent})."),
  contextFolded: sentence("contextFolded", "{messages} ältere sind zusammengefasst, seit {since}."),
  pressFailed: sentence("pressFailed", "Ob das ging, zeigt `barnacle pairing list`."),
  queueFull: sentence("queueFull", "Gerade warten zu viele Nachrichten. Frag später noch einmal."),
  memoryEmpty: sentence("memoryEmpty", "Von dir habe ich hier nichts notiert."),
  memoryUnknown: sentence("memoryUnknown", "Eine Notiz {number} hast du hier nicht."),
  memoryDeleted: sentence("memoryDeleted", "Die Notiz {number} ist weg."),
  memoryEdited: sentence("memoryEdited", "Die Notiz {number} ist geändert."),
  memoryNeedsText: sentence("memoryNeedsText", "Dazu brauche ich `text`, höchstens {max} Zeichen."),
  usage: sentence("usage", "Heute {today}, im Monat {month}. Neuer Tag: {reset}."),
  budgetSpent: sentence("budgetSpent", "Für heute ist Schluss. Frag {reset} noch einmal."),
  reminder: sentence("reminder", "{user} Erinnerung: {text}"),
  reminderLate: sentence("reminderLate", "{user} Erinnerung von {due}, verspätet: {text}"),
  mcpSignIn: sentence(
    "mcpSignIn",
    "Für {server} fehlt die Anmeldung: `barnacle mcp login {server}`.",
  ),
  scheduleFailed: sentence("scheduleFailed", "Aufgabe {number} in {channel} ist gescheitert."),
  schedulePaused: sentence("schedulePaused", "Plan {number} in {channel} ruht: {count} Fehler."),
  ownerNotThere: sentence("ownerNotThere", "In {name} ({id}) schweige ich: {reason}. {command}"),
  approvalAsked: sentence("approvalAsked", "Darf ich diesen Befehl ausführen?"),
  escalationAsked: sentence("escalationAsked", "Für `{tool}` fehlt {missing}. Erlauben?"),
  escalatedAction: sentence("escalatedAction", "Das darf die Person nicht: {missing}. Erlauben?"),
  rightChecked: sentence("rightChecked", "Moment, ich prüfe deine Rechte."),
  rightMissing: sentence("rightMissing", "Das entscheidest du nicht: {missing}."),
  rightCounts: sentence("rightCounts", "Danke, das gilt."),
  limitAsked: sentence("limitAsked", "Das wären {count} Änderungen auf einmal. Weiter?"),
  goOn: sentence("goOn", "Weiter"),
  serverAsks: sentence("serverAsks", "Der MCP-Server `{server}` fragt:"),
  serverPage: sentence("serverPage", "`{server}` möchte, dass du eine Seite von `{host}` öffnest:"),
  pageOpened: sentence("pageOpened", "Ich habe sie geöffnet"),
  questionFor: sentence("questionFor", "{user}: {question}"),
  questionEnds: sentence("questionEnds", "Endet {when}, `{code}`"),
  questionTooLong: sentence("questionTooLong", "Zu lang: siehe `barnacle approvals show {code}`."),
  allowOnce: sentence("allowOnce", "Einmal erlauben"),
  allowAlways: sentence("allowAlways", "Immer erlauben"),
  denyCall: sentence("denyCall", "Ablehnen"),
  fillIn: sentence("fillIn", "Ausfüllen"),
  chooseOption: sentence("chooseOption", "Auswählen"),
  chooseOptionOf: sentence("chooseOptionOf", "Auswählen ({range})"),
  formFilledIn: sentence("formFilledIn", "{by} hat alles ausgefüllt."),
  formReceived: sentence("formReceived", "Danke, alles ist da."),
  formMisfit: sentence("formMisfit", "Das passt nicht. Bitte noch einmal ausfüllen."),
  questionAnswered: sentence("questionAnswered", "{by} wählte: {answer}"),
  questionExpired: sentence("questionExpired", "Es kam keine Antwort."),
  questionWithdrawn: sentence("questionWithdrawn", "Das hat sich erledigt."),
  questionNotAsked: sentence("questionNotAsked", "Die Frage geht nicht an dich."),
  questionClosed: sentence("questionClosed", "Das ist schon entschieden oder abgelaufen."),
  joined: sentence("joined", "Man hat mich in {name} ({id}) geholt; {rule} schweigt. {command}"),
  help: sentence("help", "Diese Befehle gibt es:"),
  whoami: sentence("whoami", "Du bist {name}: `{id}`"),
  commandUsage: sentence("commandUsage", "So geht der Befehl:\n{usage}"),
  commandPrivate: sentence(
    "commandPrivate",
    "`/{name}` beantworte ich nur dir: nimm Discords Menü, oder schreib mir direkt.",
  ),
  commandMenu: sentence("commandMenu", "`/{name}` geht nur in Discords Menü."),
  asked: sentence("asked", "Bin dran, die Antwort kommt hier im Kanal."),
  askedDirect: sentence("askedDirect", "Bin dran, die Antwort kommt als Direktnachricht."),
  whyNeedsMessage: sentence("whyNeedsMessage", "Dazu brauche ich den Link einer Nachricht."),
  whyUnknown: sentence("whyUnknown", "Dazu weiß ich nichts, das dich angeht."),
  skillUnknown: sentence("skillUnknown", "Das kann ich hier nicht, aber: {skills}"),
  undone: sentence("undone", "Rückgängig: {what}."),
  undoButton: sentence("undoButton", "Rückgängig"),
  undoing: sentence("undoing", "Moment …"),
  undoRefused: sentence("undoRefused", "Das geht nicht: {reason}."),
  forgotten: sentence("forgotten", "Ich habe dich vergessen."),
  forgetLater: sentence("forgetLater", "Erst muss ich fertig werden; oder nimm `/stop`."),
  reset: sentence("reset", "Neues Gespräch, das alte sehe ich nicht mehr."),
  resetNothing: sentence("resetNothing", "Das Gespräch ist schon neu."),
  compacted: sentence("compacted", "Das Gespräch ist jetzt zusammengefasst."),
  compactNothing: sentence("compactNothing", "Hier gibt es noch nichts zusammenzufassen."),
  compactFailed: sentence("compactFailed", "Mein Modell fasst gerade nichts zusammen."),
  models: sentence("models", "Hier antwortet `{model}`."),
  modelChosen: sentence("modelChosen", "Ab jetzt antwortet `{model}`."),
  modelUnknown: sentence("modelUnknown", "Ein Modell `{model}` habe ich nicht."),
  pausedNow: sentence("pausedNow", "Pause; {count} Antworten abgebrochen."),
  paused: sentence("paused", "Ich habe Pause. Frag später noch einmal."),
  resumed: sentence("resumed", "Ich bin wieder da."),
  configOff: sentence("configOff", "`/config` ist aus: `commands.config`"),
  configReadOnly: sentence(
    "configReadOnly",
    "Schreiben darf ich nicht: `channels.discord.configWrites`",
  ),
  configNone: sentence("configNone", "`{path}` steht nicht in der Datei."),
  configInvalid: sentence("configInvalid", "So geht das nicht:\n{problem}"),
  configChanged: sentence("configChanged", "`{path}` ist geändert."),
  ...allowlistTexts(),
  ...mcpTexts(),
  ...settingTexts(),
} satisfies Record<TextKey, z.ZodOptional<z.ZodString>>);

/** `messages`. */
export const messages = z.strictObject({
  groupChat: key(
    z.strictObject({
      historyLimit: key(
        whole(0, 500).optional(),
        "`historyLimit` of accounts that do not set it: the maximum number of recent channel " +
          "messages, not addressed to the bot, to give the model as context.",
        { unset: "`20`", unit: "messages", example: 50, task: "agents" },
      ),
      mentionPatterns: key(mentionPatterns(), MENTION_PATTERNS, {
        unset: "the agent's name",
        example: ["\\bbarney\\b"],
        task: "access",
      }),
    }).prefault({}),
    "Settings for guild channels.",
  ),
  maxChunks: key(
    whole(1, 100).default(12),
    "Maximum number of messages of one reply. Of a longer reply, Barnacle sends the beginning, and " +
      "the whole text as a file.",
    { unit: "messages", example: 5 },
  ),
  tables: key(
    z.enum(["code", "bullets", "off"]).default("code"),
    "How to show Markdown tables, which Discord cannot. `code`: as a code block. `bullets`: as a " +
      "list. `off`: unchanged.",
  ),
  cards: key(
    z.enum(["components", "text"]).default("components"),
    "How to show questions to people and approvals. `components`: in a box, by Discord's Components " +
      "V2. `text`: as a plain message with buttons, for clients that do not show such boxes.",
  ),
  ackReaction: key(
    z.string().refine(
      (written) => written === "" || EMOJI.test(written),
      "Expected one emoji, or one of the server's own as <:name:id>",
    ).default("👀"),
    "Reaction that marks a message as read: an emoji, or a server's own as `<:name:id>`. An empty " +
      "text disables it.",
    { example: "", isCommon: true },
  ),
  ackReactionScope: key(
    z.enum(["group-mentions", "group-all", "direct", "all", "off"]).default("group-mentions"),
    "Which messages that the bot will answer get the reaction. `group-mentions`: mentions outside " +
      "direct messages. `group-all`: all outside direct messages. `direct`: direct messages. " +
      "`all`: all. `off`: none.",
  ),
  removeAckAfterReply: key(
    z.boolean().default(false),
    "Whether to remove the reaction after the reply.",
  ),
  footer: key(
    z.enum(["off", "owners", "all"]).default("off"),
    "Whose answers end with a small line of model, tokens, cached share, money and seconds. " +
      "`off`: none. `owners`: answers to owners. `all`: all answers.",
  ),
  linkHosts: key(
    z.array(
      z.string().regex(
        /^(?:\*\.)?[^\s/:@*?#]+$/,
        'Expected a host, such as "example.org", or "*.example.org" for all its subdomains',
      ),
    ).default([]),
    "Hosts that the model may link to. Other links stay only if the sender or the operator wrote " +
      "exactly that URL; else they become code without their query. `*.example.org` stands for all " +
      "subdomains.",
    { example: ["example.org", "*.example.org"] },
  ),
  queue: key(
    z.strictObject({
      mode: key(
        z.enum(QUEUE_MODES).optional(),
        "How to handle messages that arrive during a turn of their channel. `collect`: in one turn " +
          "after it. `steer`: at its next step, if their sender has the same rights; else as " +
          "`collect`. `followup`: in a turn each. `interrupt`: instead of it.",
        { unset: "`collect` in guilds, `steer` in direct messages", example: "collect" },
      ),
      perUser: key(
        whole(1, 10_000).default(3),
        "Maximum number of a user's turns that wait, over all channels. The bot does not answer " +
          "messages beyond it, and says so once.",
        { unit: "turns", example: 5 },
      ),
      perChannel: key(
        whole(1, 10_000).default(8),
        "Maximum number of a channel's turns that wait. The bot does not answer messages beyond " +
          "it, and says so once.",
        { unit: "turns", example: 20 },
      ),
    }).prefault({}),
    "Handling of messages that arrive during a turn.",
    { task: "agents" },
  ),
  commands: key(
    z.record(
      z.string(),
      z.strictObject({
        name: key(
          z.record(locale, z.string().regex(/^\S(?:.{0,30}\S)?$/u)).optional(),
          "Names by Discord's locale, at most 32 characters. That of a slash command is one word in " +
            "lower case.",
          { entry: "<locale>", example: { de: "zustand" } },
        ),
        description: key(
          z.record(locale, text().max(100)).optional(),
          "Descriptions by Discord's locale, at most 100 characters.",
          { entry: "<locale>", example: { de: "Version, Modell und Verbindung" } },
        ),
      }),
    ).default({}),
    "Names and descriptions of commands in other languages, by the command's own name. People see " +
      "those of their language in Discord's menu. Text commands keep their own names.",
    { entry: "<command>", example: { status: { name: { de: "zustand" } } }, task: "texts" },
  ),
  texts: lazySection(
    () => z.strictObject(texts()),
    "Replaces Barnacle's own sentences. Words in braces are placeholders.",
    { task: "texts", isOpen: true },
  ),
});
