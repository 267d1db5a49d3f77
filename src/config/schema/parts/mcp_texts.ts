/**
 * Keys of `messages.texts`: answers to `/mcp`.
 *
 * @module
 */

import { sentence } from "./sentence.ts";

/** These keys. */
export const mcpTexts = () => ({
  mcpServers: sentence("mcpServers", "Meine MCP-Server:"),
  mcpProgram: sentence("mcpProgram", "ein Programm"),
  mcpToken: sentence("mcpToken", "Token der Konfiguration"),
  mcpSignedOut: sentence("mcpSignedOut", "nicht angemeldet"),
  mcpEnded: sentence("mcpEnded", "Anmeldung abgelaufen"),
  mcpSignedIn: sentence("mcpSignedIn", "angemeldet"),
  mcpSignedInUntil: sentence("mcpSignedInUntil", "angemeldet bis {until}"),
  mcpLogin: sentence("mcpLogin", "Öffne für `{server}` diese Adresse: <{address}>"),
  mcpLoggedIn: sentence("mcpLoggedIn", "Ich bin bei `{server}` angemeldet."),
  mcpFailed: sentence("mcpFailed", "Die Anmeldung bei `{server}` ging nicht: {problem}."),
  mcpNotOurs: sentence("mcpNotOurs", "Diese Adresse gehört zu keiner Anmeldung bei `{server}`."),
  mcpLoggedOut: sentence("mcpLoggedOut", "Bei `{server}` bin ich abgemeldet."),
  mcpNoLogin: sentence("mcpNoLogin", "Bei `{server}` war ich nicht angemeldet."),
} as const);
