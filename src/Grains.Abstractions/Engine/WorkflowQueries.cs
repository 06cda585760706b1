using System.Linq.Expressions;
using System.Reflection;

namespace Granary.Engine;

/// <summary>The members of workflow classes that can be read from outside.</summary>
internal static class WorkflowQueries
{
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Reads a query of an instance: the value and its type.</summary>
    /// <exception cref="GranaryUsageException"><c>GRN1805</c>: there is no such query. Else what the member throws.</exception>
    public static (object? Value, Type Type) Read(object workflow, string query)
    {
        var queries = Of(workflow.GetType());
        if (!queries.TryGetValue(query, out var member))
        {
            throw new GranaryUsageException("GRN1805", $"{workflow.GetType()} has no query '{query}'.",
                queries.Count == 0 ? "Mark a property, or a method without parameters, with [Query]." : $"There are: {string.Join(", ", queries.Keys.Order(StringComparer.Ordinal))}.");
        }

        try
        {
            return member switch
            {
                PropertyInfo property => (property.GetValue(workflow), property.PropertyType),
                _ => (((MethodInfo)member).Invoke(workflow, null), ((MethodInfo)member).ReturnType),
            };
        }
        catch (TargetInvocationException e) when (e.InnerException is { } inner)
        {
            throw inner;
        }
    }

    /// <summary>The name of the query that an expression reads, as in <c>order =&gt; order.Progress</c>.</summary>
    public static string NameOf(LambdaExpression expression)
    {
        MemberInfo? member = expression.Body switch
        {
            MemberExpression { Expression: ParameterExpression } property => property.Member,
            MethodCallExpression { Object: ParameterExpression, Arguments.Count: 0 } call => call.Method,
            _ => null,
        };
        if (member?.GetCustomAttribute<QueryAttribute>(inherit: true) is not { } query)
        {
            throw new GranaryUsageException("GRN1805", $"'{expression}' reads no query.",
                "Read one property, or call one method without parameters, that is marked with [Query]: order => order.Progress.");
        }

        return query.Name ?? member.Name;
    }

    private static Dictionary<string, MemberInfo> Of(Type workflow) => workflow.GetMembers(Members)
        .Select(m => (Member: m, Query: m.GetCustomAttribute<QueryAttribute>(inherit: true)))
        .Where(m => m.Query is not null && m.Member is PropertyInfo or MethodInfo && !(m.Member is MethodInfo method && method.GetParameters().Length > 0))
        .GroupBy(m => m.Query!.Name ?? m.Member.Name, StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => g.First().Member, StringComparer.Ordinal);
}
