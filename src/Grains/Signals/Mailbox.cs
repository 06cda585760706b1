using Granary.Journal;
using Granary.Runs;

namespace Granary.Signals;

/// <summary>
/// What a run has been sent: unread signals by topic in the order of acceptance, and the keys of all. The n-th wait on a
/// topic that is answered gets the topic's n-th signal, so nothing but the two orders need be recorded.
/// </summary>
internal sealed class Mailbox
{
    private readonly Dictionary<string, Queue<Mail>> _unread = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task<UnitOutcome>> _keys = new(StringComparer.Ordinal);

    /// <summary>The mailbox as a journal has it.</summary>
    public static Mailbox Of(RunHistory history)
    {
        var box = new Mailbox();
        var recorded = Task.FromResult(new UnitOutcome(UnitResult.Committed));
        foreach (var row in history.Signals)
        {
            var mail = Mail.Of(row);
            box._keys[mail.Key] = recorded;
            box.Put(mail);
        }

        foreach (var (topic, count) in history.SignalsRead)
        {
            for (var i = 0; i < count; i++)
                box.Take(topic);
        }

        return box;
    }

    /// <summary>What became of the signal with that key; null when there was none.</summary>
    public Task<UnitOutcome>? Find(string key) => _keys.GetValueOrDefault(key);

    public void Remember(string key, Task<UnitOutcome> outcome) => _keys[key] = outcome;

    public void Forget(string key) => _keys.Remove(key);

    public void Put(Mail mail)
    {
        if (!_unread.TryGetValue(mail.Topic, out var queue))
            _unread.Add(mail.Topic, queue = new Queue<Mail>());
        queue.Enqueue(mail);
    }

    public bool Has(string topic) => _unread.TryGetValue(topic, out var queue) && queue.Count > 0;

    /// <summary>The oldest unread one of a topic.</summary>
    public Mail? Peek(string topic) => Has(topic) ? _unread[topic].Peek() : null;

    public void Take(string topic) => _unread[topic].Dequeue();
}
