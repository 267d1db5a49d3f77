/** Asks the search what a person who hosts a bot would ask it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PAGES } from "../../src/cli/help/pages.js";
import { searchPages } from "../../src/cli/help/search.ts";

/** A question, and the page that answers it: among the first three hits. */
const QUESTIONS: readonly (readonly [question: string, page: string, heading?: RegExp])[] = [
  ["voice channel", "voice"],
  ["spending limit", "how-do-i"],
  ["update", "upkeep"],
  ["allow a friend", "how-do-i"],
  ["daylight saving", "agent"],
  ["change name or avatar", "how-do-i"],
  ["who can see my conversations", "privacy"],
  ["change the model", "how-do-i"],
  ["follow a web page", "how-do-i"],
  ["a reminder", "agent"],
  ["remove everything", "upkeep"],
  ["uninstall", "upkeep"],
  ["install on a raspberry pi", "getting-started"],
  ["docker", "operating"],
  ["docker compose", "operating"],
  ["systemd service", "operating"],
  ["backup", "backup"],
  ["move to another machine", "backup"],
  ["restore a backup", "backup"],
  ["bot does not answer", "troubleshooting"],
  ["bot offline", "troubleshooting"],
  ["invalid token", "troubleshooting"],
  ["disallowed intents", "troubleshooting"],
  ["message content intent", "getting-started"],
  ["invite the bot", "getting-started"],
  ["create a discord application", "getting-started"],
  ["local model ollama", "how-do-i"],
  ["anthropic api key", "how-do-i"],
  ["home assistant", "how-do-i"],
  ["webhook from github", "hooks"],
  ["pairing code", "access"],
  ["block a person", "access"],
  ["only answer in one channel", "how-do-i"],
  ["answer without a mention", "how-do-i"],
  ["two bots", "how-do-i"],
  ["two agents", "how-do-i"],
  ["persona", "how-do-i"],
  ["system prompt", "agent"],
  ["memory notes", "agent"],
  ["forget a person", "privacy"],
  ["read files", "agent"],
  ["run commands on the host", "agent"],
  ["approve a command", "agent"],
  ["mcp server", "agent"],
  ["search the web", "agent"],
  ["scheduled task every morning", "agent"],
  ["time zone", "agent"],
  ["dashboard password", "dashboard"],
  ["reverse proxy nginx", "reverse-proxy"],
  ["caddy", "reverse-proxy"],
  ["log level", "operating"],
  ["metrics prometheus", "operating"],
  ["health check", "operating"],
  ["alert when it is down", "operating"],
  ["rate limit", "delivery"],
  ["message sent twice", "delivery"],
  ["slow answers", "troubleshooting"],
  ["thread for each answer", "how-do-i"],
  ["openclaw import", "coming-from-openclaw"],
  ["spoken answers", "voice"],
  ["voice message", "voice"],
  ["delete all data", "privacy"],
  ["which data leaves my machine", "privacy"],
  ["change settings from a phone", "dashboard"],
  ["emoji reaction while it works", "configuration/replies"],
];

describe("[O10] the search of the documentation", () => {
  for (const [question, page] of QUESTIONS) {
    it(`answers "${question}" by ${page}`, () => {
      const hits = searchPages(question, PAGES).map(({ path }) => path);
      assert.ok(hits.slice(0, 3).includes(`${page}.md`), hits.join(" "));
    });
  }
});
