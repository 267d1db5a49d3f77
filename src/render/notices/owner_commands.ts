/** Answers to the owners' commands `/allowlist` and `/mcp`. */

const RULE = "the config path of the list";
const COMMAND = "a command for the command line on the bot's machine";
const PERSON = "the person";

export const ALLOWLIST_NOTICES = {
  allowlistEntries: {
    text: "`{rule}` lets these people talk to me:",
    when: "`/allowlist list` shows a list",
    placeholders: { rule: RULE },
    example: "`{rule}` lässt diese Leute mit mir reden:",
  },
  allowlistEmpty: {
    text: "`{rule}` has no entries.",
    when: "`/allowlist list` shows an empty list",
    placeholders: { rule: RULE },
    example: "`{rule}` ist leer.",
  },
  allowlistPaired: {
    text: "Paired people may write to me, too:",
    when: "`/allowlist list` shows who is paired, below the list of direct messages",
    example: "Gekoppelt sind außerdem:",
  },
  allowlistNone: {
    text: "There is no list here: all members may talk to me.",
    when: "an owner uses `/allowlist` in a place without a list",
    example: "Hier gibt es keine Liste, alle dürfen.",
  },
  allowlistWouldClose: {
    text:
      "There is no list here: all members may talk to me. A list would keep out all others. If " +
      "you want that, run `{command}` on my machine.",
    when: "an owner uses `/allowlist add` in a place without a list",
    placeholders: { command: COMMAND },
    example: "Das schlösse alle anderen aus: `{command}`",
  },
  allowlistWouldCloseAll: {
    text:
      "My config lists no servers. A list would keep me silent in all servers that it does not " +
      "name. If you want that, run `{command}` on my machine.",
    when: "an owner uses `/allowlist add`, and the config lists no servers",
    placeholders: { command: COMMAND },
    example: "Das schlösse alle anderen Server aus: `{command}`",
  },
  allowlistClosed: {
    text: "I answer no one there, because of `{rule}`.",
    when: "`/allowlist` is used in a place that the config closes",
    placeholders: { rule: "the config path of the rule" },
    example: "Dort schweige ich, wegen `{rule}`.",
  },
  allowlistNoGuild: {
    text: "Please use this command in the server itself.",
    when: "`/allowlist` asks for a server's list in a direct message",
    example: "Das geht nur auf dem Server selbst.",
  },
  allowlistOff: {
    text:
      "I may not change my config. To allow it, set `commands.config` to true in the config file.",
    when: "`/allowlist` is to change a list without `commands.config`",
    example: "Das ist aus: `commands.config`",
  },
  allowlistNoUser: {
    text: "Discord has no user {id}.",
    when: "`/allowlist` names a user that does not exist",
    placeholders: { id: "the given ID" },
    example: "{id} gibt es bei Discord nicht.",
  },
  allowlistAdded: {
    text: "{person} is now on `{rule}`.",
    when: "`/allowlist add` has added a person",
    placeholders: { person: PERSON, rule: RULE },
    example: "{person} steht jetzt auf `{rule}`.",
  },
  allowlistPresent: {
    text: "{person} is on `{rule}` already, so nothing has changed.",
    when: "`/allowlist add` names a person who is on the list",
    placeholders: { person: PERSON, rule: RULE },
    example: "{person} steht schon auf `{rule}`.",
  },
  allowlistRemoved: {
    text: "{person} is not on `{rule}` any more.",
    when: "`/allowlist remove` has removed a person",
    placeholders: { person: PERSON, rule: RULE },
    example: "{person} steht nicht mehr auf `{rule}`.",
  },
  allowlistAbsent: {
    text: "{person} is not on `{rule}`, so nothing has changed.",
    when: "`/allowlist remove` names a person who is not on the list",
    placeholders: { person: PERSON, rule: RULE },
    example: "{person} steht nicht auf `{rule}`.",
  },
  allowlistUnpaired: {
    text: "The pairing of this person has ended, too.",
    when: "`/allowlist remove` has ended a pairing",
    example: "Die Kopplung ist auch beendet.",
  },
  allowlistEveryone: {
    text: "The list has `*`, so everyone may talk to me.",
    when: "`/allowlist` has changed a list that admits everyone",
    example: "Wegen `*` dürfen ohnehin alle.",
  },
  allowlistAdmitsNoOne: {
    text: "The list is empty now, so I answer no one there.",
    when: "`/allowlist remove` has removed the last entry of a server's list",
    example: "Die Liste ist jetzt leer.",
  },
  allowlistFailed: {
    text:
      "I cannot change my config file, so nothing has changed: {problem}. A user who may write " +
      "the file can run `{command}` on my machine.",
    when: "`/allowlist` cannot write the config file",
    placeholders: { problem: "the problem", command: COMMAND },
    example: "Das ging nicht: {problem}. Versuch `{command}`",
  },
} as const;

const SERVER = "the server's name in the config";

export const MCP_NOTICES = {
  mcpServers: {
    text: "My MCP servers:",
    when: "an owner uses `/mcp list`, above the servers",
    example: "Meine MCP-Server:",
  },
  mcpProgram: {
    text: "a program",
    when: "`/mcp list` shows a server that is a program, which has no sign-in",
    example: "ein Programm",
  },
  mcpToken: {
    text: "token of the config",
    when: "`/mcp list` shows a server for which the config has a token",
    example: "Token der Konfiguration",
  },
  mcpSignedOut: {
    text: "no login",
    when: "`/mcp list` shows a server without a login",
    example: "nicht angemeldet",
  },
  mcpEnded: {
    text: "the login has ended",
    when: "`/mcp list` shows a server whose login has ended",
    example: "Anmeldung abgelaufen",
  },
  mcpSignedIn: {
    text: "logged in",
    when: "`/mcp list` shows a server with a login",
    example: "angemeldet",
  },
  mcpSignedInUntil: {
    text: "logged in until {until}",
    when: "`/mcp list` shows a server with a login that cannot be renewed",
    placeholders: { until: "the time at which the login ends" },
    example: "angemeldet bis {until}",
  },
  mcpLogin: {
    text:
      "To sign in to `{server}`, open this address within ten minutes: <{address}> If it ends " +
      "at a page that your browser cannot open, give me that page's address as `/mcp login`'s answer.",
    when: "an owner begins a sign-in by `/mcp login`",
    placeholders: { server: SERVER, address: "the address to open" },
    example: "Öffne für `{server}` diese Adresse: <{address}>",
  },
  mcpLoggedIn: {
    text: "I'm logged in to `{server}`.",
    when: "a sign-in by `/mcp login` has succeeded",
    placeholders: { server: SERVER },
    example: "Ich bin bei `{server}` angemeldet.",
  },
  mcpFailed: {
    text: "I can't sign in to `{server}`: {problem}.",
    when: "a sign-in by `/mcp login` has failed",
    placeholders: { server: SERVER, problem: '"the server wants no sign-in"' },
    example: "Die Anmeldung bei `{server}` ging nicht: {problem}.",
  },
  mcpNotOurs: {
    text: "This address belongs to no sign-in to `{server}` that waits. Begin anew with " +
      "`/mcp login`.",
    when: "an owner gives `/mcp login` an address of another sign-in",
    placeholders: { server: SERVER },
    example: "Diese Adresse gehört zu keiner Anmeldung bei `{server}`.",
  },
  mcpLoggedOut: {
    text: "I have deleted the login to `{server}`. The server may accept it until it expires.",
    when: "an owner deletes a login by `/mcp logout`",
    placeholders: { server: SERVER },
    example: "Bei `{server}` bin ich abgemeldet.",
  },
  mcpNoLogin: {
    text: "I have no login to `{server}`. `/mcp list` shows my servers.",
    when: "an owner uses `/mcp logout`, and there is no login",
    placeholders: { server: SERVER },
    example: "Bei `{server}` war ich nicht angemeldet.",
  },
} as const;
