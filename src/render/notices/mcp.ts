/**
 * Answers to `/mcp`, the command for logins to MCP servers (T13).
 *
 * @module
 */

import type { Notice } from "./notice.ts";

const SERVER = "the server's name in the config";

/** Answers to `/mcp`. */
export const MCP_NOTICES = {
  mcpServers: {
    text: "My MCP servers:",
    when: "`/mcp list`, above the servers",
    example: "Meine MCP-Server:",
  },
  mcpProgram: {
    text: "a program",
    when: "`/mcp list`: the server is a program, which has no sign-in",
    example: "ein Programm",
  },
  mcpToken: {
    text: "token of the config",
    when: "`/mcp list`: the config has a token for the server",
    example: "Token der Konfiguration",
  },
  mcpSignedOut: {
    text: "no login",
    when: "`/mcp list`: there is no login to the server",
    example: "nicht angemeldet",
  },
  mcpEnded: {
    text: "the login has ended",
    when: "`/mcp list`: the login to the server has ended",
    example: "Anmeldung abgelaufen",
  },
  mcpSignedIn: {
    text: "logged in",
    when: "`/mcp list`: there is a login to the server",
    example: "angemeldet",
  },
  mcpSignedInUntil: {
    text: "logged in until {until}",
    when: "`/mcp list`: there is a login to the server, which cannot be renewed",
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
} as const satisfies Readonly<Record<string, Notice>>;
