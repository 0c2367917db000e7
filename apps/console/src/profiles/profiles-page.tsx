/** Profiles: all, or one to be read and changed. */
export function ProfilesPage({ profileId }: { readonly profileId: string | undefined }) {
  return <main className="flex-1 p-4">{profileId ?? "Profiles"}</main>;
}
