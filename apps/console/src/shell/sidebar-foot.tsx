import { BookOpen, Bot, Keyboard, LogOut, Monitor, Moon, Search, Settings2, Sun } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { Link, useLocation } from "wouter";
import { useAuth } from "../auth/auth.tsx";
import { paths } from "../routes.ts";
import { Button } from "../ui/button.tsx";
import { Tooltip } from "../ui/tooltip.tsx";
import { useConsoleInfo } from "./console-info.ts";
import { useShell } from "./shell-context.ts";
import { setTheme, THEMES, useTheme, type Theme } from "./theme.ts";

const ITEM =
  "flex cursor-default items-center gap-2 rounded-md px-2 py-1.5 text-sm outline-none data-[highlighted]:bg-raised [&_svg]:size-4";
const THEME_ICONS = { system: <Monitor />, light: <Sun />, dark: <Moon /> } as const;
const THEME_NAMES = { system: "As the system", light: "Light", dark: "Dark" } as const;

/** What is below the sessions: profiles, the palette, and settings. */
export function SidebarFoot() {
  const { openPalette } = useShell();
  const [path] = useLocation();
  const isHere = path.startsWith(paths.profiles);
  return (
    <div className="flex shrink-0 items-center gap-1 border-t px-2 py-1.5">
      <Link
        href={paths.profiles}
        aria-current={isHere ? "page" : undefined}
        className="flex h-8 flex-1 items-center gap-2 rounded-md px-2 font-medium hover:bg-raised aria-[current]:bg-raised"
      >
        <Bot aria-hidden className="size-4 text-muted" />
        Profiles
      </Link>
      <Tooltip content="Commands (Ctrl/⌘ K)" side="top">
        <Button tone="ghost" icon aria-label="Commands" onClick={openPalette}>
          <Search />
        </Button>
      </Tooltip>
      <Settings />
    </div>
  );
}

/** The theme, help, the API's reference, and the way out. */
export function Settings() {
  const { signOut } = useAuth();
  const { openHelp } = useShell();
  const theme = useTheme();
  const { version } = useConsoleInfo();
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>
        <Button tone="ghost" icon aria-label="Settings">
          <Settings2 />
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          side="top"
          align="end"
          sideOffset={6}
          collisionPadding={8}
          className="z-50 min-w-48 rounded-lg border bg-panel p-1 shadow-lg"
        >
          <DropdownMenu.Label className="px-2 py-1 text-xs text-muted">Theme</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={theme} onValueChange={(next) => setTheme(next as Theme)}>
            {THEMES.map((name) => (
              <DropdownMenu.RadioItem key={name} value={name} className={`${ITEM} data-[state=checked]:font-semibold`}>
                {THEME_ICONS[name]}
                {THEME_NAMES[name]}
                <DropdownMenu.ItemIndicator className="ml-auto text-accent">✓</DropdownMenu.ItemIndicator>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          <DropdownMenu.Item className={ITEM} onSelect={openHelp}>
            <Keyboard />
            Keyboard shortcuts
          </DropdownMenu.Item>
          <DropdownMenu.Item asChild className={ITEM}>
            <a href="/docs" target="_blank" rel="noopener noreferrer">
              <BookOpen />
              API reference
            </a>
          </DropdownMenu.Item>
          <DropdownMenu.Item className={ITEM} onSelect={signOut}>
            <LogOut />
            Sign out
          </DropdownMenu.Item>
          {version !== undefined && (
            <p className="border-t px-2 pt-1.5 pb-1 text-xs text-muted [margin-top:0.25rem]">Version {version}</p>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
