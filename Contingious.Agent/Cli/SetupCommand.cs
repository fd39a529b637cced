using System.CommandLine;
using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious setup</c>: prepares the host, once, as root.</summary>
internal static class SetupCommand
{
    public static Command Build()
    {
        var account = new Option<string?>("--account") { Description = $"prepare it for this account, which exists ({HostLayout.ServiceAccount}, which is made)", HelpName = "NAME" };
        var dryRun = new Option<bool>("--dry-run") { Description = "only say what would be done" };
        var undo = new Option<bool>("--undo") { Description = "remove exactly what setup made; imported images go with it" };
        var slots = new Option<int?>("--disk-slots") { Description = "also provision that many directories that the kernel holds to a size, for jobs too large for memory", HelpName = "N" };
        var slotSize = new Option<string?>("--disk-slot-size") { Description = $"what each can hold, the image's own part included ({DiskSlotRequest.DefaultSize})", HelpName = "SIZE" };
        var slotInodes = new Option<string?>("--disk-slot-inodes") { Description = $"how many files each can hold ({DiskSlotRequest.DefaultInodes / 1000}k)", HelpName = "N" };
        var slotDirectory = new Option<string?>("--disk-directory") { Description = "where: a directory on ext4 or xfs that is mounted with prjquota", HelpName = "DIR" };
        var offline = new Option<bool>("--offline") { Description = "only what lies on disk: for a root that is not running, such as an image of a host that is being made" };
        var printed = new Option<string?>("--print-unit") { Description = "print a file of systemd's as a package installs it", HelpName = "service|user|tmpfiles|sysusers", Hidden = true };
        var program = new Option<string?>("--program") { Description = "the program that a printed unit starts", HelpName = "PATH", Hidden = true };
        var command = new Command("setup", "Prepare this host: account, subordinate ids, directories, cgroups. As root, once; running it again does no harm.") { account, dryRun, undo, slots, slotSize, slotInodes, slotDirectory, offline, printed, program };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(printed) is { } file)
            {
                Console.Write(PackagedFiles.Text(file, parsed.GetValue(program) ?? "/usr/bin/contingious"));
                return;
            }

            var setup = await Setup.OpenAsync(new SetupRequest
            {
                Account = parsed.GetValue(account),
                IsOffline = parsed.GetValue(offline),
                DiskSlots = SlotsOf(parsed.GetValue(slots), parsed.GetValue(slotSize), parsed.GetValue(slotInodes), parsed.GetValue(slotDirectory)),
            }, cancellation).ConfigureAwait(false);
            var undoing = parsed.GetValue(undo);
            var plan = undoing ? setup.PlanUndo() : setup.Plan();
            string Describe(SetupAction action) => undoing ? action.DescribeUndo() : action.Describe();
            if (plan.Count == 0)
            {
                Console.WriteLine(undoing ? $"nothing to undo for {setup.AccountName}" : $"nothing to do: this host is prepared for {setup.AccountName}");
                return;
            }

            if (parsed.GetValue(dryRun))
            {
                foreach (var action in plan) Console.WriteLine($"would {Describe(action)}");
                return;
            }

            void Done(SetupAction action) => Console.WriteLine($"done: {Describe(action)}");
            if (undoing) await setup.UndoAsync(Done, cancellation).ConfigureAwait(false);
            else await setup.ApplyAsync(Done, cancellation).ConfigureAwait(false);
        });
        return command;
    }

    private static DiskSlotRequest? SlotsOf(int? count, string? size, string? inodes, string? directory)
    {
        if (count is null)
        {
            if ((size ?? inodes ?? directory) is null) return null;
            throw new RejectedRequestException("--disk-slots", "Say how many disk slots there shall be: --disk-slots N.");
        }

        if (count is < 1 or > DiskSlotRequest.MostSlots) throw new RejectedRequestException("--disk-slots", $"{count} is not between 1 and {DiskSlotRequest.MostSlots}.");
        if (directory is null || !directory.StartsWith('/')) throw new RejectedRequestException("--disk-directory", "Say where the disk slots shall be, an absolute path: --disk-directory DIR.");
        var bytes = DiskSlotRequest.DefaultSize;
        if (size is not null && !ByteSize.TryParse(size, out bytes)) throw new RejectedRequestException("--disk-slot-size", $"'{size}' is no size. Write it as 500m or 1g.");
        if (bytes < ByteSize.FromMiB(1) || bytes.Bytes % 4096 != 0) throw new RejectedRequestException("--disk-slot-size", $"{bytes} is less than 1 MiB or no multiple of 4 KiB.");
        return new DiskSlotRequest(directory, count.Value, bytes, InodesOf(inodes));
    }

    // Of files people say thousands, not 1,024.
    private static long InodesOf(string? text)
    {
        if (text is null) return DiskSlotRequest.DefaultInodes;
        var (digits, factor) = text.EndsWith('k') ? (text[..^1], 1_000) : (text, 1);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number * (long)factor
            : throw new RejectedRequestException("--disk-slot-inodes", $"'{text}' is no number of files. Write it as 50000 or 50k.");
    }
}
