/**
 * Keys that people write where they have no meaning, and where those belong.
 *
 * A key that could only have let more in is a warning: without it Barnacle is stricter than was
 * meant. One that was to keep somebody out stays an error, for its writer counts on it.
 *
 * @module
 */

import type { Segment } from "../text/tree.ts";

/** Keys below `channels.discord` that are left out with a warning (C3). */
const IGNORED: Readonly<Record<string, string>> = {
  "channels.discord.requireMention":
    'it belongs into a guild, "guilds": { "*": { "requireMention": … } }, or into a channel',
  "channels.discord.systemPrompt":
    'it belongs into a channel, or as "prompt" into an agent of agents.list',
};

/** Names that are ours elsewhere or under another name (C13), by the key as it was written. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  token_from_env: 'write "token": "${NAME}" in channels.discord',
  log_level: 'write "level" in log',
  tool_config: 'write "timeoutSec" in tools',
  async_tool_timeout: 'write "timeoutSec" in tools',
  heartbeat_priority: "remove it: heartbeats always go first",
  tcp_keepalive: 'write "tcpKeepaliveSec" in channels.discord.gateway',
  gateway_options: 'write "gateway" in channels.discord',
  rate_limit: 'write "rateLimit" in channels.discord',
  required_vars: 'write "requiredVars" in preflight',
  max_retries: 'write "maxRetries" in channels.discord.gateway.reconnect',
  dmPolicy: 'write "policy" in channels.discord.dm',
  discord: 'write it in channels: "channels": { "discord": { … } }',
  providers: 'write it in models: "models": { "providers": { … } }',
  agent: "write an agent into agents.list, and defaults for all into agents.defaults",
  gateway: "gateway is the connection to Discord here: write it in channels.discord",
};

/** Where an ignored key belongs; `undefined` for a key that is not ignored. */
export function ignoredKey(path: readonly Segment[]): string | undefined {
  const [channels, discord, accounts, , ...rest] = path;
  const place = channels === "channels" && discord === "discord" && accounts === "accounts"
    ? ["channels", "discord", ...rest]
    : path;
  const joined = place.join(".");
  return Object.hasOwn(IGNORED, joined) ? IGNORED[joined] : undefined;
}

/** Where a well-known key belongs, whatever it was written in. */
export function elsewhere(name: string): string | undefined {
  return Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
}
