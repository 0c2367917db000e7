import { Bot, ChevronRight, Plus } from "lucide-react";
import { Link, useLocation, useSearchParams } from "wouter";
import { paths } from "../routes.ts";
import { useTitle } from "../shell/use-title.ts";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/empty-state.tsx";
import { ProfileEditor } from "./profile-editor.tsx";
import { useProfiles } from "./use-profiles.ts";

/** Profiles: all, or one to be read and changed; `?new` and `?copy=ID` make one. */
export function ProfilesPage({ profileId }: { readonly profileId: string | undefined }) {
  const [query] = useSearchParams();
  const copyOf = query.get("copy") ?? undefined;
  const isEditor = profileId !== undefined || copyOf !== undefined || query.has("new");
  return (
    <main tabIndex={-1} className="flex min-w-0 flex-1 flex-col overflow-y-auto outline-none">
      {isEditor ? (
        <ProfileEditor key={`${profileId ?? ""} ${copyOf ?? ""}`} profileId={profileId} copyOf={copyOf} />
      ) : (
        <ProfileList />
      )}
    </main>
  );
}

function ProfileList() {
  useTitle("Profiles");
  const { profiles, isLoading, fault } = useProfiles();
  const [, navigate] = useLocation();
  return (
    <div className="mx-auto flex w-full max-w-3xl flex-1 flex-col gap-4 p-4 sm:p-8">
      <div className="flex items-center justify-between gap-4">
        <div>
          <h1 className="text-xl font-semibold">Profiles</h1>
          <p className="text-muted">What agents are: instructions, tools, permissions, skills.</p>
        </div>
        <Button tone="accent" onClick={() => navigate(`${paths.profiles}?new`)}>
          <Plus />
          New profile
        </Button>
      </div>
      {fault !== undefined && (
        <p role="alert" className="text-bad">
          {fault}
        </p>
      )}
      {profiles.length === 0 && !isLoading && fault === undefined && (
        <EmptyState icon={<Bot />} title="No profiles yet">
          A session is made of a profile. Make the first one.
        </EmptyState>
      )}
      <ul className="flex flex-col gap-px overflow-hidden rounded-lg border bg-line empty:hidden">
        {profiles.map(({ id, name, description }) => (
          <li key={id}>
            <Link
              href={paths.profile(id)}
              className="flex items-center gap-3 bg-panel px-4 py-3 outline-offset-[-2px] hover:bg-raised"
            >
              <span className="min-w-0 flex-1">
                <span className="flex items-baseline gap-2">
                  <span className="truncate font-medium">{name}</span>
                  {name !== id && <code className="shrink-0 truncate text-xs text-muted">{id}</code>}
                </span>
                {description !== undefined && <span className="block truncate text-sm text-muted">{description}</span>}
              </span>
              <ChevronRight aria-hidden className="size-4 shrink-0 text-muted" />
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
