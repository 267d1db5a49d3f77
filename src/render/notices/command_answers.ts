/** Answers to commands and buttons. */

export const COMMAND_NOTICES = {
  stopped: { text: "Stopped.", when: "a person stops the bot's work", example: "Schon aufgehört." },
  nothingToStop: {
    text: "There is nothing to stop: no work of yours is running or waiting here.",
    when: "a person stops the bot, and it has nothing to do",
    example: "Hier läuft nichts von dir.",
  },
  deadButton: {
    text: "This button is old and no longer works. Ask me again if you still need it.",
    when: "a person presses a button that no longer exists for the bot",
    example: "Dieser Knopf tut nichts mehr.",
  },
  unknownCommand: {
    text: "I no longer have this command.",
    when: "a person uses a slash command that Discord still lists and the bot no longer has",
    example: "Diesen Befehl kenne ich nicht mehr.",
  },
  status: {
    text: "Barnacle {version}, answering with `{model}`. Online for {online}, heartbeat {latency}.",
    when: "a person uses `/status`",
    placeholders: {
      version: "Barnacle's version",
      model: "the model",
      online: "how long the connection has been ready",
      latency: "how long Discord takes to acknowledge a heartbeat",
    },
    example: "Barnacle {version} mit `{model}`. Online seit {online} ({latency}).",
  },
  agentHere: {
    text: "The agent here: {agent}.",
    when: "a person uses `/status`, `/model` or `/context`, and the config has several agents",
    placeholders: { agent: "its name" },
    example: "Hier antwortet {agent}.",
  },
  statusModelFails: {
    text: "`{model}` has been failing since {since}.",
    when: "a person uses `/status` while the first model does not answer",
    placeholders: { model: "the first model", since: "when it began to fail" },
    example: "`{model}` antwortet nicht, seit {since}.",
  },
  statusUsage: {
    text: "Your use today: {use}.",
    when: "a person uses `/status`",
    placeholders: { use: "tokens and money of the asker's messages today" },
    example: "Deine Nutzung heute: {use}.",
  },
  statusUsageOfAll: {
    text: "Everyone's use today: {use}.",
    when: "an owner uses `/status`",
    placeholders: { use: "tokens and money of all messages today" },
    example: "Nutzung aller heute: {use}.",
  },
  context: {
    text:
      "{entries} messages and answers of this conversation fill {percent} of what I can read at " +
      "once: about {tokens} of {window} tokens.",
    when: "a person uses `/context`",
    placeholders: {
      entries: "number of messages and answers that are not folded",
      tokens: "estimated number of their tokens, with the summary",
      window: "number of tokens that fit into a request",
      percent: "share of the window, with its sign",
    },
    example: "{entries} Nachrichten, {tokens} von {window} Tokens ({percent}).",
  },
  contextFolded: {
    text: "{messages} earlier messages are folded into a summary since {since}.",
    when: "a person uses `/context`, if earlier messages are folded",
    placeholders: {
      messages: "number of folded messages",
      since: "time of the newest folding, as Discord shows it to the reader",
    },
    example: "{messages} ältere sind zusammengefasst, seit {since}.",
  },
  contextFoldedPlain: {
    text: "{messages} earlier messages are folded since {since}, without my model: I know only " +
      "the first words of each.",
    when: "the model gave no summary of them, in place of that line",
    placeholders: {
      messages: "number of folded messages",
      since: "time of the newest folding, as Discord shows it to the reader",
    },
    example: "Von {messages} älteren kenne ich nur den Anfang, seit {since}.",
  },
  contextSummaryFails: {
    text: "My model gave no summary {since}. I ask it again when there is more to fold.",
    when: "the model gave no summary when it was last asked, as the last line of `/context`",
    placeholders: { since: "when it was last asked, as Discord shows it to the reader" },
    example: "Mein Modell hat {since} nichts zusammengefasst.",
  },
  window: {
    text: "My model reads {tokens} tokens at most, its own answer included: {source}.",
    when: "a person uses `/status` or `/context`, on a line of its own",
    placeholders: {
      tokens: "the size of the model's context window",
      source: "the source of that size, in the words below",
    },
    example: "Fenster: {tokens} Tokens ({source}).",
  },
  windowConfig: {
    text: "set in my config",
    when: "the config sets the window",
    example: "so eingestellt",
  },
  windowServer: {
    text: "told by its server",
    when: "the model's server tells its window",
    example: "sagt der Server",
  },
  windowFamily: {
    text: "usual for its name, because its server does not tell",
    when: "the window is the usual one for the model's name",
    example: "dem Namen nach",
  },
  windowAssumed: {
    text: "assumed, because its server has not told",
    when: "nothing tells the window",
    example: "geschätzt",
  },
  windowRefusal: {
    text: "learned when its server refused a longer request",
    when: "the model's server has refused a request because of its length",
    example: "nach einer Absage gelernt",
  },
  pressFailed: {
    text: "I can't tell whether that worked. To check, run `barnacle pairing list`.",
    when: "Barnacle could not finish the work of a button in time",
    example: "Ob das ging, zeigt `barnacle pairing list`.",
  },
  memoryEmpty: {
    text: "I keep no notes from your messages here.",
    when: "a person uses `/memory` and has no notes",
    example: "Von dir habe ich hier nichts notiert.",
  },
  memoryUnknown: {
    text: "You have no note {number} here. `/memory` lists yours.",
    when: "a person names a note that is not theirs, or that does not exist",
    placeholders: { number: "the number that they gave" },
    example: "Eine Notiz {number} hast du hier nicht.",
  },
  memoryDeleted: {
    text: "Note {number} is deleted.",
    when: "a person deletes a note by `/memory`",
    placeholders: { number: "its number" },
    example: "Die Notiz {number} ist weg.",
  },
  memoryEdited: {
    text: "Note {number} is changed.",
    when: "a person edits a note by `/memory`",
    placeholders: { number: "its number" },
    example: "Die Notiz {number} ist geändert.",
  },
  memoryNeedsText: {
    text: "To edit a note, give its new `text` of at most {max} characters.",
    when: "a person edits a note by `/memory` without a text that fits",
    placeholders: { max: "the maximum number of characters" },
    example: "Dazu brauche ich `text`, höchstens {max} Zeichen.",
  },
  usage: {
    text: "Today: {today}. This month: {month}. The next day begins {reset}.",
    when: "a person uses `/usage`",
    placeholders: {
      today: "tokens and money of the asker's messages today",
      month: "the same in this month",
      reset: "when the UTC day ends, as Discord shows it",
    },
    example: "Heute {today}, im Monat {month}. Neuer Tag: {reset}.",
  },
  usageBudget: {
    text: "Limit: {use}.",
    when: "a person uses `/usage`, for each limit of that person, and each spent one",
    placeholders: { use: "use and limit" },
    example: "Grenze: {use}.",
  },
} as const;

export const COMMAND_ANSWER_NOTICES = {
  help: {
    text: "You can use these commands here, with `/` from Discord's menu or as a message:",
    when: "a person uses `/help`, as the first line",
    example: "Diese Befehle gibt es:",
  },
  whoami: {
    text: "You are {name}: `{id}`",
    when: "a person uses `/whoami`, as the first line",
    placeholders: { name: "the person, as Discord shows them", id: "their id" },
    example: "Du bist {name}: `{id}`",
  },
  commandUsage: {
    text: "That does not fit this command. Write it like this: {usage}",
    when: "the words of a text command do not fit it, or `/catchup` has no time to begin at",
    placeholders: { usage: "how to write it" },
    example: "So geht der Befehl:\n{usage}",
  },
  commandPrivate: {
    text:
      "The answer would be for you alone. Use `/{name}` from Discord's menu, or write to me in a direct message.",
    when: "a person writes a command in a channel whose answer is private",
    placeholders: { name: "the command, without its slash" },
    example: "`/{name}` beantworte ich nur dir: nimm Discords Menü, oder schreib mir direkt.",
  },
  commandMenu: {
    text: "Use `/{name}` from Discord's menu.",
    when: "a person writes a command as a message that works in Discord's menu only",
    placeholders: { name: "the command, without its slash" },
    example: "`/{name}` geht nur in Discords Menü.",
  },
  asked: {
    text: "I'm on it. My answer will be in this channel.",
    when: "a command has started a turn",
    example: "Bin dran, die Antwort kommt hier im Kanal.",
  },
  askedDirect: {
    text: "I'm on it. My answer will be in our direct messages.",
    when: "a command has started a turn in a place without the bot",
    example: "Bin dran, die Antwort kommt als Direktnachricht.",
  },
  askedNowhere: {
    text: "I may not write in this channel, so I can't answer here. Ask me in another one.",
    when: "a person gives a command whose answer the bot may not post in that channel",
    example: "Hier darf ich nicht schreiben. Frag mich in einem anderen Kanal.",
  },
  whyNeedsMessage: {
    text: "Give the link or id of a message. Or use “Why no answer?” in the menu of the message.",
    when: "a person uses `/why` without a message",
    example: "Dazu brauche ich den Link einer Nachricht.",
  },
  whyUnknown: {
    text:
      "I have no record of this message that you may see. Each person may ask about their own messages.",
    when: "a person uses `/why` and there is no record for them",
    example: "Dazu weiß ich nichts, das dich angeht.",
  },
  skillUnknown: {
    text: "I have no such skill here. My skills: {skills}",
    when: "a person names a skill that the bot does not have there",
    placeholders: { skills: "the names of all skills there" },
    example: "Das kann ich hier nicht, aber: {skills}",
  },
  undone: {
    text: "Undone: {what}. This {does}.",
    when: "a person uses `/undo`, or presses Undo",
    placeholders: { what: "the change", does: "the effect of undoing it, after “This”" },
    example: "Rückgängig: {what}.",
  },
  undoButton: {
    text: "Undo",
    when: "an answer has changed something that can be taken back, on the button below it",
    example: "Rückgängig",
  },
  undoing: {
    text: "Taking that back …",
    when: "a person presses Undo, until it is done",
    example: "Moment …",
  },
  undoRefused: {
    text: "I could not undo that: {reason}.",
    when: "a person uses `/undo`, and the change cannot be taken back",
    placeholders: { reason: "the reason" },
    example: "Das geht nicht: {reason}.",
  },
  forgotten: {
    text: "I have deleted everything that I had stored of you.",
    when: "a person uses `/forget me`",
    example: "Ich habe dich vergessen.",
  },
  forgetLater: {
    text:
      "I am still working on a message of yours. Try again when it is answered, or use `/stop` first.",
    when: "a person uses `/forget me` while a turn of theirs is open",
    example: "Erst muss ich fertig werden; oder nimm `/stop`.",
  },
  reset: {
    text: "A new conversation begins here. I no longer see the old one.",
    when: "a person uses `/reset` or `/new`",
    example: "Neues Gespräch, das alte sehe ich nicht mehr.",
  },
  resetNothing: {
    text: "This conversation is new already.",
    when: "a person uses `/reset` and there is nothing to leave behind",
    example: "Das Gespräch ist schon neu.",
  },
  compacted: {
    text: "I have folded this conversation into a summary.",
    when: "a person uses `/compact`",
    example: "Das Gespräch ist jetzt zusammengefasst.",
  },
  compactNothing: {
    text: "There is nothing to fold here yet.",
    when: "a person uses `/compact` and there is nothing to fold",
    example: "Hier gibt es noch nichts zusammenzufassen.",
  },
  compactFailed: {
    text: "My model gave no summary, so nothing has changed. Try again later.",
    when: "a person uses `/compact` and the model gives no summary",
    example: "Mein Modell fasst gerade nichts zusammen.",
  },
  models: {
    text: "This conversation uses `{model}`. To choose another: `/model <name>`",
    when: "a person uses `/model` or `/models`, as the first line",
    placeholders: { model: "the model of the conversation" },
    example: "Hier antwortet `{model}`.",
  },
  modelChosen: {
    text: "This conversation uses `{model}` from now on.",
    when: "a person chooses a model",
    placeholders: { model: "the chosen model" },
    example: "Ab jetzt antwortet `{model}`.",
  },
  modelUnknown: {
    text: "I have no model `{model}`.",
    when: "a person chooses a model that the config does not name",
    placeholders: { model: "the name that they gave" },
    example: "Ein Modell `{model}` habe ich nicht.",
  },
  pausedNow: {
    text: "I am paused everywhere; stopped turns: {count}. `/pause` lets me go on.",
    when: "an owner pauses the bot",
    placeholders: { count: "number of turns that were stopped" },
    example: "Pause; {count} Antworten abgebrochen.",
  },
  paused: {
    text: "My owner has paused me. Ask again later.",
    when: "a message arrives while the bot is paused",
    example: "Ich habe Pause. Frag später noch einmal.",
  },
  resumed: {
    text: "I am back.",
    when: "an owner lets the bot go on",
    example: "Ich bin wieder da.",
  },
  configOff: {
    text: "`/config` is disabled. To enable it, set `commands.config` to true in the config file.",
    when: "`/config` is used without `commands.config`",
    example: "`/config` ist aus: `commands.config`",
  },
  configReadOnly: {
    text: "`channels.discord.configWrites` is false, so I may not change the config file.",
    when: "`/config` is to change the file, and the config forbids it",
    example: "Schreiben darf ich nicht: `channels.discord.configWrites`",
  },
  configNone: {
    text: "The config file has no `{path}`.",
    when: "`/config` names a key that the file does not have",
    placeholders: { path: "the path of the key" },
    example: "`{path}` steht nicht in der Datei.",
  },
  configInvalid: {
    text: "Nothing has changed: {problem}",
    when: "`/config` would make the file invalid, or cannot write it",
    placeholders: { problem: "the problem" },
    example: "So geht das nicht:\n{problem}",
  },
  configChanged: {
    text: "The config file is changed at `{path}`.",
    when: "`/config` has changed the file",
    placeholders: { path: "the path of the key" },
    example: "`{path}` ist geändert.",
  },
} as const;
