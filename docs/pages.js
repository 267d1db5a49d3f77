// deno-fmt-ignore-file
// Generated: deno run -A scripts/reference/commands.ts
import p0 from "./access.md" with { type: "text" };
import p1 from "./agent-tools.md" with { type: "text" };
import p2 from "./agent.md" with { type: "text" };
import p3 from "./agents.md" with { type: "text" };
import p4 from "./alerts.md" with { type: "text" };
import p5 from "./backup.md" with { type: "text" };
import p6 from "./bots.md" with { type: "text" };
import p7 from "./by-hand-config.md" with { type: "text" };
import p8 from "./by-hand.md" with { type: "text" };
import p9 from "./coming-from-openclaw.md" with { type: "text" };
import p10 from "./commands.md" with { type: "text" };
import p11 from "./config-changes.md" with { type: "text" };
import p12 from "./configuration.md" with { type: "text" };
import p13 from "./configuration/access.md" with { type: "text" };
import p14 from "./configuration/agents.md" with { type: "text" };
import p15 from "./configuration/connection.md" with { type: "text" };
import p16 from "./configuration/models.md" with { type: "text" };
import p17 from "./configuration/operating.md" with { type: "text" };
import p18 from "./configuration/replies.md" with { type: "text" };
import p19 from "./connection.md" with { type: "text" };
import p20 from "./containers.md" with { type: "text" };
import p21 from "./conversations.md" with { type: "text" };
import p22 from "./dashboard.md" with { type: "text" };
import p23 from "./data-that-leaves.md" with { type: "text" };
import p24 from "./delivery.md" with { type: "text" };
import p25 from "./event-recipes.md" with { type: "text" };
import p26 from "./exec.md" with { type: "text" };
import p27 from "./getting-started.md" with { type: "text" };
import p28 from "./hook-recipes.md" with { type: "text" };
import p29 from "./hooks.md" with { type: "text" };
import p30 from "./how-do-i-agent.md" with { type: "text" };
import p31 from "./how-do-i-run.md" with { type: "text" };
import p32 from "./how-do-i-tools.md" with { type: "text" };
import p33 from "./how-do-i.md" with { type: "text" };
import p34 from "./internals/architecture.md" with { type: "text" };
import p35 from "./internals/glossary.md" with { type: "text" };
import p36 from "./internals/measurements.md" with { type: "text" };
import p37 from "./internals/releases.md" with { type: "text" };
import p38 from "./limits.md" with { type: "text" };
import p39 from "./litestream.md" with { type: "text" };
import p40 from "./mcp.md" with { type: "text" };
import p41 from "./memory.md" with { type: "text" };
import p42 from "./mentions.md" with { type: "text" };
import p43 from "./missing-answers.md" with { type: "text" };
import p44 from "./models.md" with { type: "text" };
import p45 from "./monitoring.md" with { type: "text" };
import p46 from "./offline.md" with { type: "text" };
import p47 from "./openclaw-meanings.md" with { type: "text" };
import p48 from "./operating.md" with { type: "text" };
import p49 from "./pairing.md" with { type: "text" };
import p50 from "./phone.md" with { type: "text" };
import p51 from "./privacy.md" with { type: "text" };
import p52 from "./realtime.md" with { type: "text" };
import p53 from "./reasons.md" with { type: "text" };
import p54 from "./replies.md" with { type: "text" };
import p55 from "./reverse-proxy.md" with { type: "text" };
import p56 from "./rotate-token.md" with { type: "text" };
import p57 from "./server-events.md" with { type: "text" };
import p58 from "./service.md" with { type: "text" };
import p59 from "./signins.md" with { type: "text" };
import p60 from "./silent.md" with { type: "text" };
import p61 from "./skills.md" with { type: "text" };
import p62 from "./specification.md" with { type: "text" };
import p63 from "./specification/access.md" with { type: "text" };
import p64 from "./specification/agents.md" with { type: "text" };
import p65 from "./specification/approvals.md" with { type: "text" };
import p66 from "./specification/commands.md" with { type: "text" };
import p67 from "./specification/configuration.md" with { type: "text" };
import p68 from "./specification/context.md" with { type: "text" };
import p69 from "./specification/delivery.md" with { type: "text" };
import p70 from "./specification/gateway.md" with { type: "text" };
import p71 from "./specification/hooks.md" with { type: "text" };
import p72 from "./specification/intent.md" with { type: "text" };
import p73 from "./specification/mentions.md" with { type: "text" };
import p74 from "./specification/models.md" with { type: "text" };
import p75 from "./specification/operating.md" with { type: "text" };
import p76 from "./specification/performance.md" with { type: "text" };
import p77 from "./specification/rendering.md" with { type: "text" };
import p78 from "./specification/safety.md" with { type: "text" };
import p79 from "./specification/security.md" with { type: "text" };
import p80 from "./specification/sessions.md" with { type: "text" };
import p81 from "./specification/tools.md" with { type: "text" };
import p82 from "./specification/voice.md" with { type: "text" };
import p83 from "./stability.md" with { type: "text" };
import p84 from "./start.md" with { type: "text" };
import p85 from "./stored-data.md" with { type: "text" };
import p86 from "./tools.md" with { type: "text" };
import p87 from "./troubleshooting.md" with { type: "text" };
import p88 from "./unit.md" with { type: "text" };
import p89 from "./upkeep.md" with { type: "text" };
import p90 from "./voice.md" with { type: "text" };
import p91 from "./why.md" with { type: "text" };
/** @type {readonly { readonly path: string; readonly text: string }[]} */
export const PAGES = [
  { path: "access.md", text: p0 },
  { path: "agent-tools.md", text: p1 },
  { path: "agent.md", text: p2 },
  { path: "agents.md", text: p3 },
  { path: "alerts.md", text: p4 },
  { path: "backup.md", text: p5 },
  { path: "bots.md", text: p6 },
  { path: "by-hand-config.md", text: p7 },
  { path: "by-hand.md", text: p8 },
  { path: "coming-from-openclaw.md", text: p9 },
  { path: "commands.md", text: p10 },
  { path: "config-changes.md", text: p11 },
  { path: "configuration.md", text: p12 },
  { path: "configuration/access.md", text: p13 },
  { path: "configuration/agents.md", text: p14 },
  { path: "configuration/connection.md", text: p15 },
  { path: "configuration/models.md", text: p16 },
  { path: "configuration/operating.md", text: p17 },
  { path: "configuration/replies.md", text: p18 },
  { path: "connection.md", text: p19 },
  { path: "containers.md", text: p20 },
  { path: "conversations.md", text: p21 },
  { path: "dashboard.md", text: p22 },
  { path: "data-that-leaves.md", text: p23 },
  { path: "delivery.md", text: p24 },
  { path: "event-recipes.md", text: p25 },
  { path: "exec.md", text: p26 },
  { path: "getting-started.md", text: p27 },
  { path: "hook-recipes.md", text: p28 },
  { path: "hooks.md", text: p29 },
  { path: "how-do-i-agent.md", text: p30 },
  { path: "how-do-i-run.md", text: p31 },
  { path: "how-do-i-tools.md", text: p32 },
  { path: "how-do-i.md", text: p33 },
  { path: "internals/architecture.md", text: p34 },
  { path: "internals/glossary.md", text: p35 },
  { path: "internals/measurements.md", text: p36 },
  { path: "internals/releases.md", text: p37 },
  { path: "limits.md", text: p38 },
  { path: "litestream.md", text: p39 },
  { path: "mcp.md", text: p40 },
  { path: "memory.md", text: p41 },
  { path: "mentions.md", text: p42 },
  { path: "missing-answers.md", text: p43 },
  { path: "models.md", text: p44 },
  { path: "monitoring.md", text: p45 },
  { path: "offline.md", text: p46 },
  { path: "openclaw-meanings.md", text: p47 },
  { path: "operating.md", text: p48 },
  { path: "pairing.md", text: p49 },
  { path: "phone.md", text: p50 },
  { path: "privacy.md", text: p51 },
  { path: "realtime.md", text: p52 },
  { path: "reasons.md", text: p53 },
  { path: "replies.md", text: p54 },
  { path: "reverse-proxy.md", text: p55 },
  { path: "rotate-token.md", text: p56 },
  { path: "server-events.md", text: p57 },
  { path: "service.md", text: p58 },
  { path: "signins.md", text: p59 },
  { path: "silent.md", text: p60 },
  { path: "skills.md", text: p61 },
  { path: "specification.md", text: p62 },
  { path: "specification/access.md", text: p63 },
  { path: "specification/agents.md", text: p64 },
  { path: "specification/approvals.md", text: p65 },
  { path: "specification/commands.md", text: p66 },
  { path: "specification/configuration.md", text: p67 },
  { path: "specification/context.md", text: p68 },
  { path: "specification/delivery.md", text: p69 },
  { path: "specification/gateway.md", text: p70 },
  { path: "specification/hooks.md", text: p71 },
  { path: "specification/intent.md", text: p72 },
  { path: "specification/mentions.md", text: p73 },
  { path: "specification/models.md", text: p74 },
  { path: "specification/operating.md", text: p75 },
  { path: "specification/performance.md", text: p76 },
  { path: "specification/rendering.md", text: p77 },
  { path: "specification/safety.md", text: p78 },
  { path: "specification/security.md", text: p79 },
  { path: "specification/sessions.md", text: p80 },
  { path: "specification/tools.md", text: p81 },
  { path: "specification/voice.md", text: p82 },
  { path: "stability.md", text: p83 },
  { path: "start.md", text: p84 },
  { path: "stored-data.md", text: p85 },
  { path: "tools.md", text: p86 },
  { path: "troubleshooting.md", text: p87 },
  { path: "unit.md", text: p88 },
  { path: "upkeep.md", text: p89 },
  { path: "voice.md", text: p90 },
  { path: "why.md", text: p91 },
];
