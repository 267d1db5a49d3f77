// deno-fmt-ignore-file
/**
 * Holds the defaults of the config's sections, which a start would take long to derive from their
 * schemas. Generated: deno run -A scripts/reference/config.ts
 */

export const DEFAULTS: Record<string, unknown> = {
  "account.retry": {"attempts":3,"minDelayMs":500,"maxDelayMs":30000,"jitter":0.1},
  "alerts": {"dm":true},
  "audio": {"maxMin":10,"voice":"alloy"},
  "backup": {"enabled":true,"hour":3,"keep":7},
  "budgets": {"perUser":{},"perRole":{},"perGuild":{},"perAgent":{},"total":{}},
  "commands": {"native":"auto","text":true,"config":false,"useAccessGroups":true},
  "discord.accounts": {},
  "discord.actions": {"reactions":true,"stickers":true,"emojiUploads":true,"stickerUploads":true,"polls":true,"permissions":true,"messages":true,"threads":true,"pins":true,"search":true,"memberInfo":true,"roleInfo":true,"roles":false,"channelInfo":true,"channels":true,"voiceStatus":true,"events":true,"moderation":false,"presence":false},
  "discord.commands": {},
  "discord.execApprovals": {"enabled":false,"approvers":[],"timeoutSec":600},
  "discord.gateway": {"intents":"agent_recommended","compress":true,"tcpKeepaliveSec":30,"reconnect":{"enabled":true,"maxRetries":10,"backoffBase":1.5,"backoffMaxSec":60,"resumeSession":true,"sessionCacheTtlSec":300,"exitOnGiveUp":false},"catchUp":{"enabled":true,"maxAgeMin":60,"maxPerChannel":100}},
  "discord.loopGuard": {"maxTurns":6,"muteMin":10},
  "discord.pluralkit": {"enabled":false,"apiUrl":"https://api.pluralkit.me/v2"},
  "discord.presence": {"status":"online"},
  "discord.rateLimit": {"enabled":true,"strategy":"queue","maxQueueSize":50,"burstProtection":true},
  "discord.rest": {"timeoutSec":15,"globalPerSec":50,"nonceWindowSec":60},
  "discord.retry": {"attempts":3,"minDelayMs":500,"maxDelayMs":30000,"jitter":0.1},
  "gateway.catchUp": {"enabled":true,"maxAgeMin":60,"maxPerChannel":100},
  "gateway.reconnect": {"enabled":true,"maxRetries":10,"backoffBase":1.5,"backoffMaxSec":60,"resumeSession":true,"sessionCacheTtlSec":300,"exitOnGiveUp":false},
  "http": {"bind":["127.0.0.1","::1"],"port":8787,"dashboard":false,"showText":false},
  "log": {"level":"info"},
  "mcp": {"servers":{}},
  "messages.allowedMentions": {"users":"context","roles":[]},
  "messages.groupChat": {},
  "messages.queue": {"turnsPerChannel":3,"perUser":3,"perChannel":8},
  "models": {"providers":{}},
  "preflight": {"requiredVars":[],"network":true,"dns":true},
  "router": {"dedupWindowSec":5,"assignments":{},"noSelfTalk":{"ignoreBotMessages":true}},
  "session": {"dmScope":"auto","reset":"off"},
  "shutdown": {"graceSec":20},
  "skills": {"folders":[],"hosts":{}},
  "store": {"retention":{"decisionsDays":30,"contextDays":14,"mediaDays":7,"transcriptsDays":0,"usageDays":400,"maxMb":2048}},
  "tools": {"discord":{"maxDestructive":5,"alsoGuilds":[]},"askExpiresMin":1440,"timeoutSec":120,"prompt":"auto"},
};
