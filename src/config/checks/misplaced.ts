/**
 * Knows keys that operators often misplace, and their right places.
 *
 * If such a key could only let more messages in, it is a warning: without it, Barnacle is stricter.
 * If it was meant to keep messages out, it stays an error, because its writer relies on it.
 */

/** The right places of keys of an account that Barnacle ignores with a warning (C3). */
export const IGNORED: Readonly<Record<string, string>> = {
  requireMention:
    'it belongs in a guild, "guilds": { "*": { "requireMention": … } }, or in a channel',
  systemPrompt: 'it belongs in a channel, or as "prompt" in an agent of agents.list',
};

/**
 * Hints for names that belong elsewhere or have another name here (C13), by the name as written.
 */
const ELSEWHERE: Readonly<Record<string, string>> = {
  token_from_env: 'write "token": "${NAME}" in channels.discord',
  log_level: 'write "level" in log',
  RateLimitConfig: 'write "rateLimit" in channels.discord',
  ReconnectConfig: 'write "reconnect" in channels.discord.gateway',
  AgentRouter: 'write "router" at the top of the file',
  tool_config: 'write "timeoutSec" in tools',
  async_tool_timeout: 'write "timeoutSec" in tools',
  heartbeat_priority: "remove it: heartbeats always go first",
  tcp_keepalive: 'write "tcpKeepaliveSec" in channels.discord.gateway',
  gateway_options: 'write "gateway" in channels.discord',
  rate_limit: 'write "rateLimit" in channels.discord',
  required_vars: 'write "requiredVars" in preflight',
  check_network: 'write "network" in preflight',
  check_dns: 'write "dns" in preflight',
  max_retries: 'write "maxRetries" in channels.discord.gateway.reconnect',
  validate_env: "remove it: preflight in this file checks the environment, " +
    "and `barnacle doctor` prints the result",
  generate_invite_url: "remove it: `barnacle invite` prints the link",
  graceful_shutdown: "remove it: always on; shutdown.graceSec limits the time to finish answers",
  model: 'write it in agents: "agents": { "defaults": { "model": "<provider>/<model>" } }',
  token: 'write it in channels: "channels": { "discord": { "token": … } }',
  guilds: 'write it in channels: "channels": { "discord": { "guilds": … } }',
  roles: 'write roles in users: "users": ["role:<id>"]',
  dmPolicy: 'write "policy" in channels.discord.dm',
  discord: 'write it in channels: "channels": { "discord": { … } }',
  providers: 'write it in models: "models": { "providers": { … } }',
  agent: "write agents in agents.list, and defaults for all in agents.defaults",
  gateway: "here, gateway is the connection to Discord: write it in channels.discord",
};

/** The right place of a well-known key; `undefined` for other names. */
export function rightPlaceOf(name: string): string | undefined {
  return Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
}
