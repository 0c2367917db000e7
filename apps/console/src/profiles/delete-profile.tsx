import { useAgentService } from "@hhopkins/agent-runtime-react";
import { useLocation } from "wouter";
import { paths } from "../routes.ts";
import { Confirm } from "../ui/confirm.tsx";
import { useToast } from "../ui/toast.tsx";
import { profilesChanged } from "./use-profiles.ts";

/** Asks, deletes, and goes back to the others. */
export function DeleteProfile({ profileId, onClose }: { readonly profileId: string; readonly onClose: () => void }) {
  const { client } = useAgentService();
  const toast = useToast();
  const [, navigate] = useLocation();
  const remove = async (): Promise<void> => {
    await client.deleteProfile(profileId);
    profilesChanged();
    navigate(paths.profiles);
    toast(`The profile ${profileId} is deleted.`);
  };
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete the profile ${profileId}?`}
      action="Delete"
      danger
      onConfirm={remove}
    >
      No new session can be made of it. Those that it has keep the content that they began with, and go on.
    </Confirm>
  );
}
