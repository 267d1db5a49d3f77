/**
 * Words that people type for a key whose name and description do not have them: `"password"`,
 * `"mute"`. Only a word whose own matches would be wrong or missing belongs here.
 */

const D = "channels.discord";
const GUILD = `${D}.guilds.<guild>`;
const PROVIDER = "models.providers.<provider>";

/** Keys, the best first, and the words that mean them: small letters, without spaces. */
const MEANINGS: readonly (readonly [words: string, keys: readonly string[]])[] = [
  [
    "password passwords secret secrets credential credentials",
    [`${D}.token`, `${PROVIDER}.apiKey`, "http.token", "backup.passphrase", "alerts.ntfyToken"],
  ],
  ["key keys apikeys", [`${PROVIDER}.apiKey`, "search.apiKey"]],
  ["bottoken discordtoken", [`${D}.token`]],
  [
    "llm ollama openai claude anthropic gpt gemini mistral openrouter lmstudio llamacpp llama ai",
    ["agents.defaults.model", "models.providers", `${PROVIDER}.kind`, `${PROVIDER}.baseUrl`],
  ],
  ["endpointurl modelurl apiurl", [`${PROVIDER}.baseUrl`]],
  [
    "cost costs expensive cheap daily money spend spending price limit limits spendlimit costlimit dailylimit quota",
    ["budgets", "budgets.total.moneyPerDay", "budgets.perUser.moneyPerDay", `${PROVIDER}.prices`],
  ],
  [
    "silence silent mute quiet shutup toomuch talkative chatty mentioned mention",
    [`${GUILD}.requireMention`, `${D}.intentFilter`, `${D}.groupPolicy`, `${D}.loopGuard`],
  ],
  ["respond replywithoutmention always", [`${GUILD}.requireMention`, `${D}.intentFilter`]],
  [
    "channel channels",
    [`${GUILD}.channels`, `${GUILD}.channels.<channel>.allow`, `${D}.groupPolicy`],
  ],
  ["mcpserver mcpservers", ["mcp.servers"]],
  ["server servers guild", [`${D}.guilds`, `${D}.groupPolicy`, "mcp.servers"]],
  [
    "ban block blacklist denylist ignore whitelist allowlist allow access who users user people " +
    "person write writes talk speak friend friends stranger strangers anyone",
    [`${GUILD}.users`, `${D}.dm.allowFrom`, `${D}.dm.policy`, `${D}.groupPolicy`],
  ],
  ["dms directmessage directmessages private", [`${D}.dm.policy`, `${D}.dm.allowFrom`]],
  ["owner owners admin admins administrator operator", ["commands.ownerAllowFrom"]],
  ["roles role moderator", [`${GUILD}.users`, `${D}.actions.roles`, "budgets.perRole"]],
  ["tz time zone clock date", ["agents.defaults.timezone"]],
  ["language locale lang translate translation german french", [
    "messages.texts",
    "messages.commands",
    "agents.list[].prompt",
  ]],
  ["prefix slash slashcommands", ["commands.text", "commands.native", "messages.commands"]],
  [
    "personality persona character instructions systemprompt soul prompt",
    [
      "agents.list[].prompt",
      `${GUILD}.channels.<channel>.systemPrompt`,
      "agents.defaults.workspace",
    ],
  ],
  ["intents.agentrecommended()", [`${D}.gateway.intents`]],
  ["nick nickname botname", ["agents.list[].name", `${D}.name`]],
  ["activity playing online", [`${D}.presence.activity`, `${D}.presence.status`]],
  ["port", ["http.port", "http.hooks.port", "api.port"]],
  ["listen address bind host", ["http.bind", "http.port", "http.publicUrl"]],
  ["knowledge search faq index archive", [
    `${GUILD}.knowledge`,
    `${GUILD}.channels.<channel>.knowledge`,
    "store.retention.knowledgeDays",
  ]],
  [
    "answers draft drafts review reviews moderation checked precheck",
    ["approvals.answers", `${GUILD}.approval`, `${D}.dm.approval`, "approvals.answers.people"],
  ],
  ["approval approve approvers approvecommands", [
    "approvals",
    `${GUILD}.approval`,
    `${D}.execApprovals`,
    "approvals.answers.people",
  ]],
  ["offers button buttons", ["tools.offerExpiresMin", "posts", "exec.allow"]],
  ["webhook webhooks event events incident incidents", [
    "hooks",
    "http.hooks",
    "alerts.webhook",
    "posts",
  ]],
  ["rss atom news newsfeed releases", ["feeds", "feeds.<feed>.url"]],
  ["homeassistant automation automations", ["api.programs", "posts", "hooks"]],
  ["openaiapi restapi", ["api", "api.programs"]],
  ["logs logging debug verbose", ["log.level", "log.file"]],
  ["remember memories", ["memory", "memory.embedding"]],
  [
    "history context contextlength window",
    [
      `${D}.historyLimit`,
      `${D}.dmHistoryLimit`,
      `${PROVIDER}.models.<model>.contextWindow`,
      "store.retention.contextDays",
    ],
  ],
  [
    "image images picture pictures draw vision photo",
    ["tools.draw", `${PROVIDER}.models.<model>.images`, `${D}.mediaMaxMb`],
  ],
  [
    "voice tts speech stt transcribe sound",
    ["audio.voice", "audio.speak", "audio.transcribe", "audio.maxMin"],
  ],
  ["emoji emojis ack reaction", [
    "messages.ackReaction",
    `${GUILD}.reactionNotifications`,
    `${D}.actions.reactions`,
  ]],
  [
    "privacy gdpr delete cleanup forget keep kept old",
    ["store.retention", "store.retention.transcriptsDays", "store.retention.decisionsDays"],
  ],
  ["length long chunk split", [`${D}.textChunkLimit`, `${D}.maxLinesPerMessage`, `${D}.chunkMode`]],
  ["maxtokens output", [`${PROVIDER}.models.<model>.maxOutput`, "budgets.total.tokensPerDay"]],
  ["quote reply replies", [`${D}.replyToMode`]],
  ["spam flood ratelimit throttle cooldown slowmode", [
    "messages.queue.perUser",
    `${D}.loopGuard`,
    `${D}.intentFilter.cooldownSec`,
    "budgets.perUser",
    `${D}.rateLimit`,
  ]],
  ["bots loop loops", [`${D}.allowBots`, `${D}.loopGuard`]],
  ["slow timeouts timeout", [
    "agents.turnTimeoutSec",
    "tools.timeoutSec",
    `${D}.rest.timeoutSec`,
    `${D}.execApprovals.timeoutSec`,
  ]],
  ["cron schedule schedules reminder reminders timer", ["agents.defaults.timezone"]],
  ["email notify notification notifications alarm", ["alerts", "alerts.ways", "alerts.ntfy"]],
  ["phone phoneaccess", ["http.publicUrl", "alerts.ntfy", "alerts"]],
  ["account accounts secondbot severalbots", [`${D}.accounts`]],
  ["metrics prometheus grafana", ["http.port", "http.bind", "http.token"]],
  ["tracing opentelemetry jaeger", ["otel.endpoint", "otel.headers"]],
  ["reverse proxy reverseproxy caddy nginx traefik tailscale baseurl", ["http.publicUrl"]],
  ["ui webui gui panel", ["http.dashboard", "http.port"]],
  ["internet web browse google websearch", ["search", "search.kind", "tools.allow"]],
  ["shell bash run terminal code commandline", ["exec.mode", "exec.allow", "exec.sandbox"]],
  ["plugin plugins extension", ["mcp.servers", "skills.folders"]],
  ["attachment attachments upload uploads file files filesize", [`${D}.mediaMaxMb`]],
  ["typing typingindicator live edits", [`${D}.streaming`]],
  ["debounce wait queue", ["messages.queue", "messages.queue.mode", "agents.turnTimeoutSec"]],
  ["restore snapshot night nightly", ["backup", "backup.hour"]],
  ["health monitoring uptime heartbeat", ["http.port", "http.keepAliveUrl", "alerts"]],
];

/** Things that people look for here, and that are set elsewhere. */
const ELSEWHERE: readonly (readonly [words: string, where: string])[] = [
  [
    "cron schedule schedules reminder reminders timer",
    "Reminders and schedules are no keys: people ask the bot for them; `barnacle schedules` lists them",
  ],
  [
    "proxy proxies httpproxy httpsproxy socks",
    "A proxy is set by variables of the environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
  ],
  [
    "database db sqlite datadir data directory",
    "The data directory is no key: --data or BARNACLE_DATA names it",
  ],
  [
    "avatar icon profile username",
    "Discord has the bot's name and picture: change them in its developer portal, under Bot",
  ],
  [
    "temperature topp seed",
    "Barnacle sets no temperature: the server of the model decides, such as by a Modelfile of Ollama",
  ],
  ["channelsstatus channelsstatusprobe", "The command is `barnacle status --probe`"],
  ["gatewayforce", "The command is `barnacle run --force`"],
  ["configure onboard", "The command is `barnacle setup`; `barnacle config set` changes a key"],
  ["messagesend", "The command is `barnacle send`"],
  ["update updates upgrade", "The command is `barnacle upgrade`"],
  ["openclaw importfromopenclaw", "The command is `barnacle config import`"],
  [
    "move newmachine movetoanewmachine",
    "The commands are `barnacle backup` and `barnacle restore`",
  ],
  ["forget gdpr", "The command `barnacle forget` deletes the data of a person"],
];

const KEYS = table(MEANINGS);
const PLACES = table(ELSEWHERE);

function table<Value>(
  rows: readonly (readonly [words: string, value: Value])[],
): ReadonlyMap<string, Value> {
  return new Map(rows.flatMap(([words, value]) => words.split(" ").map((word) => [word, value])));
}

/**
 * The keys that a word means.
 *
 * @param word In small letters, without spaces and marks.
 */
export function keysMeant(word: string): readonly string[] {
  return KEYS.get(word) ?? [];
}

/** Where a thing is set that is no key; `undefined` if the word means none. */
export function setElsewhere(word: string): string | undefined {
  return PLACES.get(word);
}

export function meantWords(): readonly string[] {
  return [...KEYS.keys()];
}
