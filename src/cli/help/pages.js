// deno-fmt-ignore-file
// Generated: deno run -A scripts/reference/commands.ts
import p0 from "../../../docs/access.md" with { type: "text" };
import p1 from "../../../docs/agent.md" with { type: "text" };
import p2 from "../../../docs/agents.md" with { type: "text" };
import p3 from "../../../docs/backup.md" with { type: "text" };
import p4 from "../../../docs/bots.md" with { type: "text" };
import p5 from "../../../docs/by-hand.md" with { type: "text" };
import p6 from "../../../docs/coming-from-openclaw.md" with { type: "text" };
import p7 from "../../../docs/commands.md" with { type: "text" };
import p8 from "../../../docs/configuration.md" with { type: "text" };
import p9 from "../../../docs/configuration/access.md" with { type: "text" };
import p10 from "../../../docs/configuration/agents.md" with { type: "text" };
import p11 from "../../../docs/configuration/connection.md" with { type: "text" };
import p12 from "../../../docs/configuration/models.md" with { type: "text" };
import p13 from "../../../docs/configuration/operating.md" with { type: "text" };
import p14 from "../../../docs/configuration/replies.md" with { type: "text" };
import p15 from "../../../docs/connection.md" with { type: "text" };
import p16 from "../../../docs/containers.md" with { type: "text" };
import p17 from "../../../docs/dashboard.md" with { type: "text" };
import p18 from "../../../docs/delivery.md" with { type: "text" };
import p19 from "../../../docs/exec.md" with { type: "text" };
import p20 from "../../../docs/getting-started.md" with { type: "text" };
import p21 from "../../../docs/hooks.md" with { type: "text" };
import p22 from "../../../docs/how-do-i-agent.md" with { type: "text" };
import p23 from "../../../docs/how-do-i-run.md" with { type: "text" };
import p24 from "../../../docs/how-do-i.md" with { type: "text" };
import p25 from "../../../docs/internals/architecture.md" with { type: "text" };
import p26 from "../../../docs/internals/glossary.md" with { type: "text" };
import p27 from "../../../docs/internals/measurements.md" with { type: "text" };
import p28 from "../../../docs/internals/releases.md" with { type: "text" };
import p29 from "../../../docs/mcp.md" with { type: "text" };
import p30 from "../../../docs/memory.md" with { type: "text" };
import p31 from "../../../docs/mentions.md" with { type: "text" };
import p32 from "../../../docs/models.md" with { type: "text" };
import p33 from "../../../docs/monitoring.md" with { type: "text" };
import p34 from "../../../docs/operating.md" with { type: "text" };
import p35 from "../../../docs/phone.md" with { type: "text" };
import p36 from "../../../docs/privacy.md" with { type: "text" };
import p37 from "../../../docs/reasons.md" with { type: "text" };
import p38 from "../../../docs/replies.md" with { type: "text" };
import p39 from "../../../docs/reverse-proxy.md" with { type: "text" };
import p40 from "../../../docs/server-events.md" with { type: "text" };
import p41 from "../../../docs/service.md" with { type: "text" };
import p42 from "../../../docs/silent.md" with { type: "text" };
import p43 from "../../../docs/skills.md" with { type: "text" };
import p44 from "../../../docs/specification.md" with { type: "text" };
import p45 from "../../../docs/specification/access.md" with { type: "text" };
import p46 from "../../../docs/specification/agents.md" with { type: "text" };
import p47 from "../../../docs/specification/approvals.md" with { type: "text" };
import p48 from "../../../docs/specification/commands.md" with { type: "text" };
import p49 from "../../../docs/specification/configuration.md" with { type: "text" };
import p50 from "../../../docs/specification/context.md" with { type: "text" };
import p51 from "../../../docs/specification/delivery.md" with { type: "text" };
import p52 from "../../../docs/specification/gateway.md" with { type: "text" };
import p53 from "../../../docs/specification/hooks.md" with { type: "text" };
import p54 from "../../../docs/specification/intent.md" with { type: "text" };
import p55 from "../../../docs/specification/mentions.md" with { type: "text" };
import p56 from "../../../docs/specification/models.md" with { type: "text" };
import p57 from "../../../docs/specification/operating.md" with { type: "text" };
import p58 from "../../../docs/specification/performance.md" with { type: "text" };
import p59 from "../../../docs/specification/rendering.md" with { type: "text" };
import p60 from "../../../docs/specification/safety.md" with { type: "text" };
import p61 from "../../../docs/specification/security.md" with { type: "text" };
import p62 from "../../../docs/specification/sessions.md" with { type: "text" };
import p63 from "../../../docs/specification/tools.md" with { type: "text" };
import p64 from "../../../docs/specification/voice.md" with { type: "text" };
import p65 from "../../../docs/stability.md" with { type: "text" };
import p66 from "../../../docs/stored-data.md" with { type: "text" };
import p67 from "../../../docs/tools.md" with { type: "text" };
import p68 from "../../../docs/troubleshooting.md" with { type: "text" };
import p69 from "../../../docs/upkeep.md" with { type: "text" };
import p70 from "../../../docs/voice.md" with { type: "text" };
import p71 from "../../../docs/why.md" with { type: "text" };
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
  { path: "operating.md", text: p34 },
  { path: "phone.md", text: p35 },
  { path: "privacy.md", text: p36 },
  { path: "reasons.md", text: p37 },
  { path: "replies.md", text: p38 },
  { path: "reverse-proxy.md", text: p39 },
  { path: "server-events.md", text: p40 },
  { path: "service.md", text: p41 },
  { path: "silent.md", text: p42 },
  { path: "skills.md", text: p43 },
  { path: "specification.md", text: p44 },
  { path: "specification/access.md", text: p45 },
  { path: "specification/agents.md", text: p46 },
  { path: "specification/approvals.md", text: p47 },
  { path: "specification/commands.md", text: p48 },
  { path: "specification/configuration.md", text: p49 },
  { path: "specification/context.md", text: p50 },
  { path: "specification/delivery.md", text: p51 },
  { path: "specification/gateway.md", text: p52 },
  { path: "specification/hooks.md", text: p53 },
  { path: "specification/intent.md", text: p54 },
  { path: "specification/mentions.md", text: p55 },
  { path: "specification/models.md", text: p56 },
  { path: "specification/operating.md", text: p57 },
  { path: "specification/performance.md", text: p58 },
  { path: "specification/rendering.md", text: p59 },
  { path: "specification/safety.md", text: p60 },
  { path: "specification/security.md", text: p61 },
  { path: "specification/sessions.md", text: p62 },
  { path: "specification/tools.md", text: p63 },
  { path: "specification/voice.md", text: p64 },
  { path: "stability.md", text: p65 },
  { path: "stored-data.md", text: p66 },
  { path: "tools.md", text: p67 },
  { path: "troubleshooting.md", text: p68 },
  { path: "upkeep.md", text: p69 },
  { path: "voice.md", text: p70 },
  { path: "why.md", text: p71 },
];
