using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;

namespace Contingious.Tests.Sandboxes;

public sealed class SandboxNamesTests
{
    private static readonly string[] names = ["ctg-_parked-0123456789ab", "ctg-a-1", "ctg-a-10", "ctg-a-9", "ctg-a-b-1", "ctg-a-b-2", "ctg-ab-1", "ctg-ctg-a-1-3"];

    [Theory]
    [InlineData("a", "ctg-a-10", "ctg-a-9", "ctg-a-1")]
    [InlineData("a-b", "ctg-a-b-2", "ctg-a-b-1")]
    [InlineData("ab", "ctg-ab-1")]
    [InlineData("ctg-a-1", "ctg-a-1", "ctg-ctg-a-1-3")]
    [InlineData("_parked")]
    [InlineData("ctg-_parked-0123456789ab")]
    [InlineData("")]
    [InlineData("ctg")]
    public void A_sandbox_is_meant_by_its_name_or_its_job_s_id_and_the_latest_attempt_first(string asked, params string[] meant) =>
        Assert.Equal(meant, SandboxTable.Meant(names, asked));

    [Theory]
    [InlineData("ctg-job-0", "job", 0)]
    [InlineData("ctg-job-2147483647", "job", int.MaxValue)]
    [InlineData("ctg-job--1", "job", null)]
    [InlineData("ctg-job-+1", "job", null)]
    [InlineData("ctg-job-", "job", null)]
    [InlineData("ctg-job-1-2", "job", null)]
    [InlineData("ctg-job-1-2", "job-1", 2)]
    public void An_attempt_is_what_follows_the_job_s_whole_id(string name, string jobId, int? attempt) => Assert.Equal(attempt, SandboxId.AttemptOf(name, jobId));
}
