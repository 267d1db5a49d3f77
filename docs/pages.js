// deno-fmt-ignore-file
// Generated: deno run -A scripts/reference/commands.ts
import p0 from "./access.md" with { type: "text" };
import p1 from "./agent.md" with { type: "text" };
import p2 from "./agents.md" with { type: "text" };
import p3 from "./backup.md" with { type: "text" };
import p4 from "./bots.md" with { type: "text" };
import p5 from "./by-hand.md" with { type: "text" };
import p6 from "./coming-from-openclaw.md" with { type: "text" };
import p7 from "./commands.md" with { type: "text" };
import p8 from "./configuration.md" with { type: "text" };
import p9 from "./configuration/access.md" with { type: "text" };
import p10 from "./configuration/agents.md" with { type: "text" };
import p11 from "./configuration/connection.md" with { type: "text" };
import p12 from "./configuration/models.md" with { type: "text" };
import p13 from "./configuration/operating.md" with { type: "text" };
import p14 from "./configuration/replies.md" with { type: "text" };
import p15 from "./connection.md" with { type: "text" };
import p16 from "./containers.md" with { type: "text" };
import p17 from "./dashboard.md" with { type: "text" };
import p18 from "./delivery.md" with { type: "text" };
import p19 from "./exec.md" with { type: "text" };
import p20 from "./getting-started.md" with { type: "text" };
import p21 from "./hooks.md" with { type: "text" };
import p22 from "./how-do-i-agent.md" with { type: "text" };
import p23 from "./how-do-i-run.md" with { type: "text" };
import p24 from "./how-do-i.md" with { type: "text" };
import p25 from "./internals/architecture.md" with { type: "text" };
import p26 from "./internals/glossary.md" with { type: "text" };
import p27 from "./internals/measurements.md" with { type: "text" };
import p28 from "./internals/releases.md" with { type: "text" };
import p29 from "./mcp.md" with { type: "text" };
import p30 from "./memory.md" with { type: "text" };
import p31 from "./mentions.md" with { type: "text" };
import p32 from "./models.md" with { type: "text" };
import p33 from "./monitoring.md" with { type: "text" };
import p34 from "./openclaw-meanings.md" with { type: "text" };
import p35 from "./operating.md" with { type: "text" };
import p36 from "./phone.md" with { type: "text" };
import p37 from "./privacy.md" with { type: "text" };
import p38 from "./realtime.md" with { type: "text" };
import p39 from "./reasons.md" with { type: "text" };
import p40 from "./replies.md" with { type: "text" };
import p41 from "./reverse-proxy.md" with { type: "text" };
import p42 from "./server-events.md" with { type: "text" };
import p43 from "./service.md" with { type: "text" };
import p44 from "./silent.md" with { type: "text" };
import p45 from "./skills.md" with { type: "text" };
import p46 from "./specification.md" with { type: "text" };
import p47 from "./specification/access.md" with { type: "text" };
import p48 from "./specification/agents.md" with { type: "text" };
import p49 from "./specification/approvals.md" with { type: "text" };
import p50 from "./specification/commands.md" with { type: "text" };
import p51 from "./specification/configuration.md" with { type: "text" };
import p52 from "./specification/context.md" with { type: "text" };
import p53 from "./specification/delivery.md" with { type: "text" };
import p54 from "./specification/gateway.md" with { type: "text" };
import p55 from "./specification/hooks.md" with { type: "text" };
import p56 from "./specification/intent.md" with { type: "text" };
import p57 from "./specification/mentions.md" with { type: "text" };
import p58 from "./specification/models.md" with { type: "text" };
import p59 from "./specification/operating.md" with { type: "text" };
import p60 from "./specification/performance.md" with { type: "text" };
import p61 from "./specification/rendering.md" with { type: "text" };
import p62 from "./specification/safety.md" with { type: "text" };
import p63 from "./specification/security.md" with { type: "text" };
import p64 from "./specification/sessions.md" with { type: "text" };
import p65 from "./specification/tools.md" with { type: "text" };
import p66 from "./specification/voice.md" with { type: "text" };
import p67 from "./stability.md" with { type: "text" };
import p68 from "./stored-data.md" with { type: "text" };
import p69 from "./tools.md" with { type: "text" };
import p70 from "./troubleshooting.md" with { type: "text" };
import p71 from "./upkeep.md" with { type: "text" };
import p72 from "./voice.md" with { type: "text" };
import p73 from "./why.md" with { type: "text" };
/** @type {readonly { readonly path: string; readonly text: string }[]} */
export const PAGES = [
  { path: "access.md", text: p0 },
  { path: "agent.md", text: p1 },
  { path: "agents.md", text: p2 },
  { path: "backup.md", text: p3 },
  { path: "bots.md", text: p4 },
  { path: "by-hand.md", text: p5 },
  { path: "coming-from-openclaw.md", text: p6 },
  { path: "commands.md", text: p7 },
  { path: "configuration.md", text: p8 },
  { path: "configuration/access.md", text: p9 },
  { path: "configuration/agents.md", text: p10 },
  { path: "configuration/connection.md", text: p11 },
  { path: "configuration/models.md", text: p12 },
  { path: "configuration/operating.md", text: p13 },
  { path: "configuration/replies.md", text: p14 },
  { path: "connection.md", text: p15 },
  { path: "containers.md", text: p16 },
  { path: "dashboard.md", text: p17 },
  { path: "delivery.md", text: p18 },
  { path: "exec.md", text: p19 },
  { path: "getting-started.md", text: p20 },
  { path: "hooks.md", text: p21 },
  { path: "how-do-i-agent.md", text: p22 },
  { path: "how-do-i-run.md", text: p23 },
  { path: "how-do-i.md", text: p24 },
  { path: "internals/architecture.md", text: p25 },
  { path: "internals/glossary.md", text: p26 },
  { path: "internals/measurements.md", text: p27 },
  { path: "internals/releases.md", text: p28 },
  { path: "mcp.md", text: p29 },
  { path: "memory.md", text: p30 },
  { path: "mentions.md", text: p31 },
  { path: "models.md", text: p32 },
  { path: "monitoring.md", text: p33 },
  { path: "openclaw-meanings.md", text: p34 },
  { path: "operating.md", text: p35 },
  { path: "phone.md", text: p36 },
  { path: "privacy.md", text: p37 },
  { path: "realtime.md", text: p38 },
  { path: "reasons.md", text: p39 },
  { path: "replies.md", text: p40 },
  { path: "reverse-proxy.md", text: p41 },
  { path: "server-events.md", text: p42 },
  { path: "service.md", text: p43 },
  { path: "silent.md", text: p44 },
  { path: "skills.md", text: p45 },
  { path: "specification.md", text: p46 },
  { path: "specification/access.md", text: p47 },
  { path: "specification/agents.md", text: p48 },
  { path: "specification/approvals.md", text: p49 },
  { path: "specification/commands.md", text: p50 },
  { path: "specification/configuration.md", text: p51 },
  { path: "specification/context.md", text: p52 },
  { path: "specification/delivery.md", text: p53 },
  { path: "specification/gateway.md", text: p54 },
  { path: "specification/hooks.md", text: p55 },
  { path: "specification/intent.md", text: p56 },
  { path: "specification/mentions.md", text: p57 },
  { path: "specification/models.md", text: p58 },
  { path: "specification/operating.md", text: p59 },
  { path: "specification/performance.md", text: p60 },
  { path: "specification/rendering.md", text: p61 },
  { path: "specification/safety.md", text: p62 },
  { path: "specification/security.md", text: p63 },
  { path: "specification/sessions.md", text: p64 },
  { path: "specification/tools.md", text: p65 },
  { path: "specification/voice.md", text: p66 },
  { path: "stability.md", text: p67 },
  { path: "stored-data.md", text: p68 },
  { path: "tools.md", text: p69 },
  { path: "troubleshooting.md", text: p70 },
  { path: "upkeep.md", text: p71 },
  { path: "voice.md", text: p72 },
  { path: "why.md", text: p73 },
];
