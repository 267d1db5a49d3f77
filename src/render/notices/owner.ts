/** Notices to the bot's owner, about what only the owner can change. */

/** Notices to the bot's owner, about what only the owner can change. */
export const OWNER_NOTICES = {
  parked: {
    text: "My messages for {channel} are waiting: {reason}. I'll try again once that has changed.",
    when: "Discord lets the bot post nothing in a channel, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      reason: '"cannot post in #ops: Send Messages is denied for the role Krill"',
    },
    example: "In {channel} darf ich nicht schreiben: {reason}",
  },
  noFiles: {
    text:
      "My long answers in {channel} lack their end: {reason}. I'll send them whole once that has " +
      "changed.",
    when: "Discord lets the bot attach no file in a place, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      reason: '"cannot attach files in #ops: Attach Files is denied for the role Krill"',
    },
    example: "In {channel} darf ich nichts anhängen: {reason}",
  },
  dead: {
    text: "Messages that I gave up for {channel}: {count}. Last reason: {reason}. To see them, " +
      "run `barnacle outbox`.",
    when: "messages cannot be delivered, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      count: "the number of messages",
      reason: "why the last of them could not be delivered",
    },
    example: "{count} Nachrichten für {channel} gebe ich auf: {reason}",
  },
  loop: {
    text:
      "In {channel} only bots write, so I answer them again only when a person has written, or " +
      "after some quiet. If one never answers me, as a feed, add its ID to `loopGuard.feeds`.",
    when: "bots talk among themselves in a place, once until a person writes, to the bot's owner",
    placeholders: { channel: "the channel, as a mention" },
    example: "In {channel} schreiben nur noch Bots; ich antworte ihnen dort nicht mehr",
  },
  setAside: {
    text:
      "I set one message for {channel} aside, and go on with the next: {reason}. To see it, run " +
      "`barnacle outbox`.",
    when:
      "one message fails while Discord serves other requests to its channel, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      reason: "how often it failed, and Discord's last answer",
    },
    example: "Eine Nachricht für {channel} lege ich beiseite: {reason}",
  },
  breaker: {
    text: "Discord refused {count} of my requests within ten minutes, so I paused my requests " +
      "for a while. To see the current number, run `barnacle status`.",
    when: "Barnacle stops requests before Discord bans its address, to the bot's owner",
    placeholders: { count: "the number of refused requests" },
    example: "Discord hat {count} Anfragen abgelehnt; ich mache Pause.",
  },
  modelFails: {
    text:
      "I can't answer: my model `{model}` fails, because {problem}. To fix it, {fix}. To check " +
      "it again, run `barnacle doctor`.",
    when: "a model fails, and only the operator can fix it, to the bot's owner",
    placeholders: {
      model: "the model",
      problem: '"its server refuses the API key"',
      fix: '"check the API key of the provider openai"',
    },
    example: "Mein Modell {model} versagt: {problem}. Abhilfe: {fix}",
  },
  modelRefuses: {
    text: "The server of my model `{model}` refuses {part}. I leave that out. To fix it, {fix}.",
    when: "a model's server refuses a tool, a field or an ability, to the bot's owner",
    placeholders: {
      model: "the model",
      part: '"the tool `mcp__crm__find`"',
      fix: '"correct the schema at the MCP server"',
    },
    example: "{model} lehnt {part} ab. Abhilfe: {fix}",
  },
  mcpSignIn: {
    text:
      "I can't use all of the MCP server `{server}`: it wants a sign-in. Give me `/mcp login`, " +
      "or run `barnacle mcp login {server}` on my machine.",
    when: "an MCP server wants a sign-in, for all or some of its tools, to the bot's owner",
    placeholders: { server: "the server's name in the config" },
    example: "Für {server} fehlt die Anmeldung: `barnacle mcp login {server}`.",
  },
  scheduleFailed: {
    text: "Scheduled tasks failed in {channel}: {count}, the last one number {number}. To see " +
      "why: `barnacle why {run}`.",
    when: "tasks failed that no person was waiting for, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      count: "the number of failed tasks in some seconds",
      number: "the number of the last schedule",
      run: "the ID of its run",
    },
    example: "Aufgabe {number} in {channel} ist gescheitert.",
  },
  schedulePaused: {
    text: "I paused schedule {number} in {channel}, because its last {count} runs failed. To see " +
      "why: `barnacle why {run}`. To go on: `barnacle schedules resume {number}`.",
    when: "the last three runs of a schedule failed, to the bot's owner",
    placeholders: {
      number: "the number of the schedule",
      channel: "the channel, as a mention",
      count: "the number of failed runs",
      run: "the ID of the last run",
    },
    example: "Plan {number} in {channel} ruht: {count} Fehler.",
  },
  joined: {
    text: "I was added to {name} ({id}), but my config ({rule}) keeps me silent there. To allow " +
      "it: {command}",
    when: "the bot joins a guild in which the config keeps it silent, to the bot's owner",
    placeholders: {
      name: "the guild's name",
      id: "its ID",
      rule: "the config path that keeps it silent",
      command: "the command that allows it",
    },
    example: "Man hat mich in {name} ({id}) geholt; {rule} schweigt. {command}",
  },
  joinedMany: {
    text:
      "I was added to {count} servers in which I stay silent: {names}. My log has the command " +
      "that allows each of them.",
    when: "the bot joins several such guilds within ten minutes, to the bot's owner",
    placeholders: { count: "the number of guilds", names: "the first five, with their IDs" },
    example: "Man hat mich in {count} Server geholt, in denen ich schweige: {names}.",
  },
  eventsUnread: {
    text: "I cannot read Discord's {type} events ({why}), so I miss these events. Please " +
      "update me, or check the server that I am connected to.",
    when: "events of a type have a form that Barnacle cannot read, to the bot's owner",
    placeholders: { type: "Discord's name of the type", why: "the field that does not fit" },
    example: "{type} von Discord kann ich nicht lesen ({why}).",
  },
} as const;
