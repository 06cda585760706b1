using Granary;

namespace WeatherAgent;

/// <summary>Shows a run's question and takes the answer from the standard input; somebody else may answer it first.</summary>
internal sealed class Answering(IGranaryClient client, Printer printer)
{
    private string? _shown;

    public async Task BeginAsync(RunId run, CancellationToken cancellationToken)
    {
        await foreach (var asked in client.Approvals.ListAsync(new() { Run = run }, cancellationToken).ConfigureAwait(false))
        {
            if (asked.Id == _shown)
                continue;
            _shown = asked.Id;
            printer.Approval(asked);
            _ = Task.Run(() => ReadAsync(asked.Id, cancellationToken), cancellationToken);
        }
    }

    private async Task ReadAsync(string id, CancellationToken cancellationToken)
    {
        while (await Console.In.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            var words = line.Trim().Split(' ', 2);
            var comment = words.Length > 1 ? words[1] : null;
            try
            {
                switch (words[0].ToLowerInvariant())
                {
                    case "yes":
                        await client.Approvals.ApproveAsync(id, comment, cancellationToken).ConfigureAwait(false);
                        return;
                    case "no":
                        await client.Approvals.RejectAsync(id, comment, cancellationToken).ConfigureAwait(false);
                        return;
                    default:
                        await Console.Error.WriteLineAsync("Type yes or no.").ConfigureAwait(false);
                        break;
                }
            }
            catch (GranaryException e)
            {
                await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
                if (e is ApprovalClosedException)
                    return;
            }
        }
    }
}
