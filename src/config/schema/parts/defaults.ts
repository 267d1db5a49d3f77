// deno-fmt-ignore-file
/**
 * Holds the defaults of the config's sections, which a start would take long to derive from their
 * schemas. Generated: deno run -A scripts/reference/config.ts
 */

export const DEFAULTS: Record<string, unknown> = {
  "messages.groupChat": {},
  "messages.queue": {"turnsPerChannel":3,"perUser":3,"perChannel":8},
  "messages.allowedMentions": {"users":"context","roles":[]},
  "store": {"retention":{"decisionsDays":30,"decisionsMax":200000,"contextDays":14,"mediaDays":7,"transcriptsDays":0,"usageDays":400,"maxMb":2048}},
  "gateway.reconnect": {"enabled":true,"maxRetries":10,"backoffBase":1.5,"backoffMaxSec":60,"resumeSession":true,"sessionCacheTtlSec":300,"exitOnGiveUp":false},
  "gateway.catchUp": {"enabled":true,"maxAgeMin":60,"maxPerChannel":100},
  "discord.gateway": {"intents":"agent_recommended","compress":true,"tcpKeepaliveSec":30,"reconnect":{"enabled":true,"maxRetries":10,"backoffBase":1.5,"backoffMaxSec":60,"resumeSession":true,"sessionCacheTtlSec":300,"exitOnGiveUp":false},"shards":"auto","catchUp":{"enabled":true,"maxAgeMin":60,"maxPerChannel":100}},
  "discord.rest": {"timeoutSec":15,"globalPerSec":50,"nonceWindowSec":60},
  "account.retry": {"attempts":3,"minDelayMs":500,"maxDelayMs":30000,"jitter":0.1},
  "discord.retry": {"attempts":3,"minDelayMs":500,"maxDelayMs":30000,"jitter":0.1},
  "discord.rateLimit": {"enabled":true,"strategy":"queue","maxQueueSize":50,"burstProtection":true},
  "discord.loopGuard": {"maxTurns":6,"muteMin":10},
  "discord.pluralkit": {"enabled":false,"apiUrl":"https://api.pluralkit.me/v2"},
  "discord.commands": {},
  "discord.presence": {"status":"online"},
  "discord.actions": {"reactions":true,"stickers":true,"emojiUploads":true,"stickerUploads":true,"polls":true,"permissions":true,"messages":true,"threads":true,"pins":true,"search":true,"memberInfo":true,"roleInfo":true,"roles":false,"channelInfo":true,"channels":true,"voiceStatus":true,"events":true,"moderation":false,"presence":false},
  "discord.execApprovals": {"enabled":false,"approvers":[],"timeoutSec":600},
  "discord.accounts": {},
  "alerts": {"dm":true},
  "backup": {"enabled":true,"hour":3,"keep":7},
  "commands": {"native":"auto","text":true,"config":false,"useAccessGroups":true},
  "budgets": {"perUser":{},"perRole":{},"perGuild":{},"perAgent":{},"total":{}},
  "preflight": {"requiredVars":[],"network":true,"dns":true},
  "shutdown": {"graceSec":20},
  "log": {"level":"info","fileMaxMb":50},
  "http": {"bind":["127.0.0.1","::1"],"port":8787,"required":false,"dashboard":false,"showText":false},
  "mcp": {"servers":{}},
  "models": {"providers":{}},
  "audio": {"maxMin":10,"voice":"alloy"},
  "router": {"dedupWindowSec":5,"assignments":{},"noSelfTalk":{"ignoreBotMessages":true}},
  "session": {"dmScope":"auto","reset":"off"},
  "tools": {"discord":{"maxDestructive":5,"alsoGuilds":[]},"askExpiresMin":1440,"timeoutSec":120,"prompt":"auto"},
  "skills": {"folders":[],"hosts":{}},
};
